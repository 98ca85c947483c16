"""Synthetic clips for comparing a model with its export."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.pooling import FloatArray

N_PROBES = 60
REACHES = (0.3, 1.0, 3.0)  # distance from the centre, in units of the spread


def made_probes(classifier: ClipClassifier, widths: Sequence[int]) -> list[list[FloatArray]]:
    """Make clips that resemble the model's training clips.

    Parameters
    ----------
    classifier : ClipClassifier
    widths : sequence of int
        The width of a frame of each extractor.

    Returns
    -------
    clips : list of lists of float32 (n_frames, dim)
        Of 1 to 12 frames; the same for the same model.
    """
    rng = np.random.default_rng(0)
    pooled_twice = 1 if classifier.pooling in ("mean", "vote") else 2
    centre, spread = classifier.pipeline.typical(classifier.pipeline.n_features)
    clips = []
    for number in range(N_PROBES):
        n_frames, first, parts = 1 + number % 12, 0, []
        for width in widths:
            place = slice(first, first + width)
            middle = centre[place] + spread[place] * rng.normal(0, REACHES[number % 3], width)
            frames = middle + spread[place] * rng.normal(0, 0.5, (n_frames, width))
            parts.append(frames.astype(np.float32))
            first += width * pooled_twice
        clips.append(parts)
    return clips
