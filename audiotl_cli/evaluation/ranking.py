"""How uncertain a mean average precision is, and what scores that know nothing would give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audiotl_cli.evaluation.intervals import percentiles
from audiotl_cli.evaluation.outcomes import BoolArray, FloatArray, IntArray, Outcomes

N_DRAWS, FEWEST_DRAWS = 400, 100
MOST_VALUES = 1e8  # draws times scores: seconds


def ranking_interval(
    outcomes: Outcomes, mean: float, units: IntArray, seed: int
) -> tuple[float, float]:
    """Return a 95 % interval of a mean average precision, over units drawn with replacement.

    Clips that are drawn twice are found together, so draws are a little too high; they are
    centred on what was measured.

    Parameters
    ----------
    outcomes : Outcomes
        With scores, of clips that may have several labels.
    mean : float
        What was measured.
    units : int (n_predictions,)
        From `number_units`.
    seed : int
    """
    n_units = int(units.max()) + 1
    n = _n_draws(outcomes)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n_units, np.full(n_units, 1 / n_units), n).astype(np.float32)
    total, n_labels = np.zeros(n), np.zeros(n)
    for order, last, has in _ranked(outcomes):
        weights = counts[:, units[order]]
        found, drawn = np.cumsum(weights * has, axis=1), np.cumsum(weights, axis=1)
        gains = weights * has * found[:, last] / np.maximum(drawn[:, last], 1)
        total += gains.sum(axis=1) / np.maximum(found[:, -1], 1)
        n_labels += found[:, -1] > 0
    low, high = percentiles(total / np.maximum(n_labels, 1))
    middle = float((total / np.maximum(n_labels, 1)).mean())
    return max(0.0, mean + low - middle), min(1.0, mean + high - middle)


def by_chance(outcomes: Outcomes, seed: int) -> tuple[float, float]:
    """Return between which values 95 % of the mean average precisions lie if scores are shuffled.

    Parameters
    ----------
    outcomes : Outcomes
        With scores, of clips that may have several labels.
    seed : int
    """
    n = _n_draws(outcomes)
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(np.arange(len(outcomes.truth)), (n, 1)), axis=1)
    total = np.zeros(n)
    n_labels = 0
    for order, last, has in _ranked(outcomes):
        truth = np.zeros(len(order), bool)
        truth[order] = has
        found = truth[shuffled[:, order]]
        ranks = np.cumsum(found, axis=1)[:, last] / (last + 1)
        total += (found * ranks).sum(axis=1) / has.sum()
        n_labels += 1
    return percentiles(total / max(n_labels, 1))


def _n_draws(outcomes: Outcomes) -> int:
    return int(np.clip(MOST_VALUES / outcomes.truth.size, FEWEST_DRAWS, N_DRAWS))


def _ranked(outcomes: Outcomes) -> Iterator[tuple[IntArray, IntArray, BoolArray]]:
    """Yield for every label present the clips by score, the highest first.

    With each: the place of the last clip of the same score, for these are found together, and
    whether it has the label.
    """
    assert outcomes.scores is not None
    for label in np.flatnonzero(outcomes.present):
        scores: FloatArray = -outcomes.scores[:, label]
        order = np.argsort(scores, kind="stable")
        last = np.searchsorted(scores[order], scores[order], side="right") - 1
        yield order, last, outcomes.truth[order, label] > 0
