"""Small made classification problems."""

from __future__ import annotations

import numpy as np

from audiotl_cli.classifiers.pooling import FloatArray

LABELS = ["ant", "bee", "cat"]


def made_clips(
    n_each: int = 12, *, labels: list[str] | None = None, dim: int = 6, seed: int = 0
) -> tuple[list[list[FloatArray]], list[str]]:
    """Make clips of 2 to 4 frames around one centre a label, far apart."""
    labels = LABELS if labels is None else labels
    rng = np.random.default_rng(seed)
    centres = 4 * np.eye(max(dim, len(labels)))[: len(labels), :dim] + 1
    clips: list[list[FloatArray]] = []
    truth = []
    for i in range(n_each * len(labels)):
        label = i % len(labels)
        n_frames = int(rng.integers(2, 5))
        frames = centres[label] + rng.normal(0, 0.5, (n_frames, dim))
        clips.append([frames.astype(np.float32)])
        truth.append(labels[label])
    return clips, truth
