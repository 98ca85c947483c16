"""The scores of a clip from those of its frames, by a model of events."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


class FrameScores:
    """Gathers the scores of the frames of a clip, which may come in blocks.

    The background scores as much as in the frame that it fits least: a clip is background only if
    all of it is. The other labels share the rest as they share the frames, so that the best is
    the label that is heard most, however little of the clip that is. Where frames may have
    several labels, each label scores as in the frame that it fits best.

    Parameters
    ----------
    background : int or None
        Number of the background label; None where frames may have several labels.
    """

    def __init__(self, background: int | None) -> None:
        self.background = background
        self._total: Any = 0.0
        self._lowest: Any = np.inf
        self._highest: Any = 0.0

    def add(self, scores: Vector) -> None:
        """Take the scores of the next frames, (n_frames, n_labels)."""
        self._total = self._total + scores.sum(axis=0)
        self._lowest = np.minimum(self._lowest, scores.min(axis=0))
        self._highest = np.maximum(self._highest, scores.max(axis=0))

    def result(self) -> Vector:
        """Return the scores of the clip so far, (n_labels,)."""
        if self.background is None:
            highest: Vector = self._highest
            return highest
        shares: Vector = np.array(self._total, np.float64)
        shares[self.background] = 0.0
        quiet = float(self._lowest[self.background])
        heard = shares.sum()
        scores = shares * ((1 - quiet) / heard) if heard > 0 else shares
        scores[self.background] = 1 - scores.sum()
        return scores
