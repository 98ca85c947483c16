"""Clips in two dimensions, to be looked at."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_FITTED = 4096
"""Clips that the map's axes are computed from, evenly spread over all; others are only placed."""


@dataclass(frozen=True)
class EmbeddingMap:
    """A point a clip.

    Parameters
    ----------
    method : str
    points : list of [x, y]
        In the order of the predictions.
    """

    method: str
    points: list[list[float]]


def map_clips(vectors: npt.NDArray[np.float32]) -> EmbeddingMap | None:
    """Return the first two principal components of standardised vectors of unit length.

    (t-SNE and UMAP tear clips apart that lie near to each other, and take minutes.)

    Parameters
    ----------
    vectors : float32 (n_clips, n_features)

    Returns
    -------
    map : EmbeddingMap or None
        None for fewer than three clips.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer, StandardScaler

    if min(vectors.shape) < 2 or len(vectors) < 3:
        return None
    steps = make_pipeline(
        # of unit length, else a few loud or unusual clips take all the room
        StandardScaler(), Normalizer(), PCA(2, svd_solver="randomized", random_state=0)
    )  # fmt: skip
    every = -(-len(vectors) // MOST_FITTED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all clips may be the same
        parts = [steps.fit_transform(vectors[::every].astype(np.float64))]
        if every > 1:
            parts = [
                steps.transform(vectors[start : start + MOST_FITTED].astype(np.float64))
                for start in range(0, len(vectors), MOST_FITTED)
            ]
    return EmbeddingMap("pca", np.round(np.concatenate(parts), 3).tolist())
