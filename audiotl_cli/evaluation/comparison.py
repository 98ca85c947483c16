"""Which of two models is better, when both predicted the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.evaluation.intervals import IntArray, percentiles, resample_means, unit_sums

SIGNIFICANT = 0.05
MCNEMAR, SIGN_FLIPS = "exact McNemar", "exact sign flips of groups"
WEIGHTED_FLIPS = "sign flips of weighted clips"
N_FLIPS = 100_000

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """How a second model differs from a first.

    Parameters
    ----------
    a, b : str
        Names of the models.
    n_clips : int
    only_a, only_b : int
        Clips that only this one got right.
    difference : float
        The metric of `b` less that of `a`.
    interval : tuple of float
        95 % bootstrap interval of the difference, over pairs of predictions.
    p_value : float
        The chance of a difference as large, either way, if both were equally good; where
        several models were compared, corrected for that (Holm, 1979).
    test : str
    verdict : str
        In words.
    metric : str
        ``accuracy``, or ``balanced_accuracy`` where labels are unbalanced.
    """

    a: str
    b: str
    n_clips: int
    only_a: int
    only_b: int
    difference: float
    interval: tuple[float, float]
    p_value: float
    test: str
    verdict: str
    metric: str = "accuracy"

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON."""
        return {**asdict(self), "interval": list(self.interval)}


def compare(
    names: Sequence[str],
    right: Sequence[npt.NDArray[np.bool_]],
    units: IntArray,
    seed: int,
    weights: FloatArray | None = None,
) -> list[Comparison]:
    """Compare every model with the first.

    Parameters
    ----------
    names : sequence of str
        At least two.
    right : sequence of bool (n_clips,)
        Which clips each model got right, the same clips in the same order.
    units : int (n_clips,)
        Which clips are right or wrong together; see `number_units`.
    seed : int
        Of the bootstrap.
    weights : float64 (n_clips,), optional
        From `clip_weights`; unless they are all 1, models are compared by balanced accuracy.
    """
    if weights is not None and (weights == 1).all():
        weights = None
    gains = [of_model.astype(np.float64) - right[0] for of_model in right[1:]]
    sums = [unit_sums(gain, units, weights) for gain in gains]
    if weights is None:
        test = MCNEMAR if int(units.max()) + 1 == len(units) else SIGN_FLIPS
        p_values = [sign_flip_p_value(total[:, 0].astype(np.int64)) for total in sums]
    else:
        test = WEIGHTED_FLIPS
        p_values = [weighted_p_value(total[:, 0], seed) for total in sums]
    return [
        _comparison(
            (names[0], name),
            gain,
            (float(np.average(gain, weights=weights)), percentiles(resample_means(total, seed))),
            p_value,
            test,
        )
        for name, gain, total, p_value in zip(names[1:], gains, sums, holm(p_values), strict=True)
    ]


def weighted_p_value(differences: FloatArray, seed: int) -> float:
    """Return the p-value of `sign_flip_p_value` for differences of any size, from random flips.

    Units of the same size are interchangeable, so what is drawn is how many of them are positive.

    Parameters
    ----------
    differences : float64 (n_units,)
    seed : int
    """
    sizes, n_each = np.unique(np.abs(differences).round(9), return_counts=True)
    positive = np.random.default_rng(seed).binomial(n_each, 0.5, (N_FLIPS, len(sizes)))
    sums = np.abs((2 * positive - n_each) @ sizes)
    n_far = int((sums >= abs(differences.sum()) - 1e-6).sum())
    return (n_far + 1) / (N_FLIPS + 1)


def sign_flip_p_value(differences: IntArray) -> float:
    """Return the two-sided p-value of differences that could as well be the other way round.

    If both models were equally good, every unit's difference would have either sign with equal
    chance. The chance that the sum is then at least as far from zero as it was found is
    counted exactly. Where every unit is one clip, this is McNemar's test by the binomial
    distribution (McNemar, 1947).

    Parameters
    ----------
    differences : int (n_units,)
        Clips that only one model got right, less those that only the other did.
    """
    sizes = np.abs(differences[differences != 0])
    if len(sizes) and (sizes == 1).all():
        from scipy.stats import binomtest

        return float(binomtest(int((differences > 0).sum()), len(sizes)).pvalue)
    reach = int(sizes.sum())
    chances = np.zeros(2 * reach + 1)  # of a sum from -reach to reach
    chances[reach] = 1.0
    for size in sizes:
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    far = abs(int(differences.sum()))
    sums = np.abs(np.arange(-reach, reach + 1))
    return min(1.0, float(chances[sums >= far].sum()))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, so that one in 20 sets has a false one."""
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(len(p_values))
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, (len(order) - rank) * p_values[i])
        corrected[i] = min(1.0, highest)
    return [float(value) for value in corrected]


def _comparison(
    names: tuple[str, str],
    gain: FloatArray,
    effect: tuple[float, tuple[float, float]],
    p_value: float,
    test: str,
) -> Comparison:
    a, b = names
    only_a, only_b, n_clips = int((gain < 0).sum()), int((gain > 0).sum()), len(gain)
    difference, (low, high) = effect
    metric = "balanced_accuracy" if test == WEIGHTED_FLIPS else "accuracy"
    by, in_metric = "", ""
    if test == WEIGHTED_FLIPS:
        by, in_metric = f" by balanced accuracy ({difference:+.3f})", " in balanced accuracy"
    shown = p_value < SIGNIFICANT and (not by or low > 0 or high < 0)
    verdict = f"{b if difference > 0 else a} is better{by}"
    if not shown:
        verdict = f"no difference shown{in_metric}"
    verdict += f": of {n_clips} clips, only {a} predicts {only_a} rightly, only {b} {only_b}"
    interval = (low, high)
    return Comparison(
        a, b, n_clips, only_a, only_b, difference, interval, p_value, test, verdict, metric
    )
