"""From which score the events of a label are right often enough, by events that were judged."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from audiotl_cli.classifiers.event_thresholds import EventThreshold

CONFIDENCE = 0.95
"""How sure it is, of one end of the interval, that the share that is right is no lower."""


def n_needed(target: float) -> int:
    """Return how many events must be judged at least, all of them right."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(target))


def choose_threshold(
    scores: Sequence[float], right: Sequence[bool], target: float, source: str
) -> EventThreshold | None:
    """Return the lowest score from which enough of the judged events are right.

    Enough is that the lower end of the interval reaches the target, so that a few lucky events
    are no evidence.

    Parameters
    ----------
    scores : sequence of float
        Of the judged events of a label.
    right : sequence of bool
    target : float
        The share that should be right, between 0 and 1.
    source : str
        What judged them.

    Returns
    -------
    threshold : EventThreshold or None
        None where no score has enough.
    """
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    sorted_scores, hits = np.asarray(scores, float)[order], np.cumsum(np.asarray(right)[order])
    best = None
    for n, (score, n_right) in enumerate(zip(sorted_scores, hits, strict=True), start=1):
        if n < len(sorted_scores) and sorted_scores[n] == score:
            continue  # events of one score are taken together
        low, high = binomial_interval(int(n_right), n)
        if low >= target:
            best = EventThreshold(float(score), target, float(n_right / n), low, high, n, source)
    return best


def binomial_interval(n_right: int, n: int) -> tuple[float, float]:
    """Return the exact interval of a share, with `CONFIDENCE` at each of its ends.

    Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated
    in the case of the binomial. Biometrika 26.
    """
    from scipy.stats import beta

    low = float(beta.ppf(1 - CONFIDENCE, n_right, n - n_right + 1)) if n_right else 0.0
    high = float(beta.ppf(CONFIDENCE, n_right + 1, n - n_right)) if n_right < n else 1.0
    return low, high
