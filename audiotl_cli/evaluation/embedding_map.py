"""Clips in two dimensions, to be looked at."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt


def map_clips(vectors: npt.NDArray[np.float32]) -> dict[str, Any] | None:
    """Return the first two principal components of standardised vectors of one length, as JSON.

    (t-SNE and UMAP tear clips apart that lie near to each other, and take minutes.)

    Parameters
    ----------
    vectors : float32 (n_clips, n_features)

    Returns
    -------
    map : dict or None
        ``method`` and ``points``, one a clip; None for fewer than three clips.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    if min(vectors.shape) < 2 or len(vectors) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all clips alike
        standard = StandardScaler().fit_transform(vectors.astype(np.float64))
        # of one length, else a few loud or odd clips take all the room
        standard /= np.linalg.norm(standard, axis=1, keepdims=True).clip(min=1e-9)
        pca = PCA(2, svd_solver="randomized", random_state=0)
        points = pca.fit_transform(standard)
    return {"method": "pca", "points": np.round(points, 3).tolist()}
