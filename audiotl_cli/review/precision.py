"""How many detections are right, by those that a person judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MIN_JUDGED = 5
"""Verdicts on a label from which its counts are corrected."""
BAND_JUDGED, MOST_BANDS = 5, 5
"""Verdicts in each band of scores, at least, and bands, at most."""

_N_DRAWS = 2000
_SEED = 0
_PRIOR = 0.5
"""Of each outcome: the prior of Jeffreys, whose intervals hold what they say on average (Brown,
Cai and DasGupta, 2001, doi:10.1214/ss/1009213286)."""


@dataclass(frozen=True)
class Estimate:
    """How many detections are right.

    Parameters
    ----------
    n : float
        By the share of right ones among those that were judged.
    low, high : float
        A 95 % interval.
    """

    n: float
    low: float
    high: float


class LabelPrecision:
    """The precision of one label, in bands of scores, each by the verdicts in it.

    People judge some scores more often than others, such as uncertain ones. So each band of
    scores has a precision of its own: within a band, the detections that were judged stand for
    those that were not. Bands hold the same number of detections, and neighbours are joined until
    each has verdicts enough.

    Parameters
    ----------
    detected : sequence of float
        Scores of all detections of the label.
    scores : sequence of float
        Of those that were judged right or wrong.
    right : sequence of bool
        Whether each of these is.
    """

    def __init__(
        self, detected: Sequence[float], scores: Sequence[float], right: Sequence[bool]
    ) -> None:
        values, is_right = np.asarray(scores), np.asarray(right)
        self.edges = _edges(np.asarray(detected), values)
        bands = self.bands_of(values)
        self.n_bands = len(self.edges) + 1
        n_right = np.bincount(bands[is_right], minlength=self.n_bands)
        n_wrong = np.bincount(bands[~is_right], minlength=self.n_bands)
        self._shares = n_right / (n_right + n_wrong)
        drawn = np.random.default_rng(_SEED).beta(
            n_right + _PRIOR, n_wrong + _PRIOR, (_N_DRAWS, self.n_bands)
        )
        self._drawn: FloatArray = drawn

    def bands_of(self, scores: Sequence[float] | FloatArray) -> IntArray:
        """Return the band of each score."""
        return np.searchsorted(self.edges, np.asarray(scores), side="right").astype(np.int64)

    def estimate(self, n_right: int, n_unjudged: Sequence[int] | IntArray) -> Estimate:
        """Return how many of some detections are right.

        Parameters
        ----------
        n_right : int
            How many of them were judged right.
        n_unjudged : int (n_bands,)
            How many of them were not judged, by band.
        """
        counts = np.asarray(n_unjudged, np.int64)
        if not counts.any():
            return Estimate(n_right, n_right, n_right)
        # the same draws every time: the same counts give the same interval
        rng = np.random.default_rng(_SEED)
        totals = n_right + rng.binomial(counts, self._drawn).sum(axis=1)
        low, high = np.percentile(totals, [2.5, 97.5])
        n = float(n_right + counts @ self._shares)
        # where all that were judged are right, or none, the interval reaches that far
        return Estimate(n, min(float(low), n), max(float(high), n))


def _edges(detected: FloatArray, judged: FloatArray) -> FloatArray:
    """Return the scores between bands, each with enough that were judged."""
    edges = np.unique(np.quantile(detected, np.arange(1, MOST_BANDS) / MOST_BANDS)).tolist()
    kept: list[float] = []
    for edge in edges:
        below = judged < edge
        if kept:
            below &= judged >= kept[-1]
        if below.sum() >= BAND_JUDGED and (judged >= edge).sum() >= BAND_JUDGED:
            kept.append(edge)
    return np.array(kept)
