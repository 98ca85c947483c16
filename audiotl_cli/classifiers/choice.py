"""Choose among the settings that were tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.space import Setting

_Z95 = 1.959964  # of the normal distribution
HOPELESS = 2.0  # standard errors of a difference


@dataclass(frozen=True)
class Tried:
    """A setting and its results.

    Parameters
    ----------
    setting : Setting
    right : tuple of tuples of bool
        Per fold, which clips it predicted correctly. Settings that were dropped have fewer folds.
    """

    setting: Setting
    right: tuple[tuple[bool, ...], ...]

    @property
    def all_right(self) -> npt.NDArray[np.float64]:
        """1 for every clip it predicted correctly, else 0, fold after fold."""
        return np.concatenate([np.asarray(fold, np.float64) for fold in self.right])

    @property
    def accuracy(self) -> float:
        """Share of clips predicted correctly, each by a model that was not fitted on it."""
        return float(self.all_right.mean())

    @property
    def accuracies(self) -> list[float]:
        """The accuracy in every fold."""
        return [float(np.mean(fold)) for fold in self.right]

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy over clips (Wilson's).

        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
        inference. JASA 22.
        """
        p, n = self.accuracy, len(self.all_right)
        square = _Z95**2 / n
        middle = (p + square / 2) / (1 + square)
        half = _Z95 * math.sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square)
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def as_json(self) -> dict[str, Any]:
        """Return a row of a leaderboard as JSON values."""
        chosen = self.setting.options
        return {
            "classifier": chosen.classifier,
            "pooling": chosen.pooling,
            "scale": chosen.scale,
            "sqrt": chosen.sqrt,
            "pca": chosen.pca,
            "params": dict(chosen.params),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "accuracies": self.accuracies,
        }


def rank(tried: Sequence[Tried]) -> list[Tried]:
    """Return settings from best to worst, dropped ones last; ties keep their order."""
    return sorted(tried, key=lambda trial: (-len(trial.right), -trial.accuracy))


def pick(tried: Sequence[Tried]) -> Tried:
    """Return the simplest setting that is statistically tied with the best.

    A setting is tied if it is worse than the best by at most one standard error of the paired
    difference over clips. Among the tied settings, complexity (the kind of classifier and the
    number of extractors) decides, and then the accuracy. The best of many settings is
    overestimated, and complex ones most.

    The rule is that of Breiman, L. et al. (1984), Classification and Regression Trees, 3.4.3,
    with the standard error of the difference in place of the best's own.

    Parameters
    ----------
    tried : sequence of Tried
        At least one; the first of equal settings is chosen.
    """
    best = rank(tried)[0]
    good = [trial for trial in tried if is_tied(trial, best)]
    simplest = min(trial.setting.complexity for trial in good)
    return rank([trial for trial in good if trial.setting.complexity == simplest])[0]


def contenders(right: Mapping[int, Sequence[Sequence[bool]]]) -> list[int]:
    """Return the settings that may still be the best.

    A setting is dropped if it is significantly worse than the best so far on the same clips
    (McNemar, 1947, one-sided, p < 0.023), as in racing
    (Maron, O., and Moore, A. (1994). Hoeffding races. NIPS 6).

    Parameters
    ----------
    right : mapping
        From settings to which clips they predicted correctly, fold by fold, in the same folds.
    """
    correct = {
        i: np.concatenate([np.asarray(fold, bool) for fold in folds]) for i, folds in right.items()
    }
    best = max(correct.values(), key=lambda clips: int(clips.sum()))
    left = []
    for i, clips in correct.items():
        lost, won = int((best & ~clips).sum()), int((clips & ~best).sum())
        if lost - won <= HOPELESS * math.sqrt(lost + won):
            left.append(i)
    return left


def is_tied(trial: Tried, best: Tried) -> bool:
    """Return whether a setting is statistically tied with a better one; see `pick`.

    A setting that was dropped, because it was clearly worse, is not.
    """
    n_folds = len(trial.right) == len(best.right)
    return n_folds and _as_good(trial.all_right, best.all_right)


def _as_good(correct: npt.NDArray[np.float64], best: npt.NDArray[np.float64]) -> bool:
    short = best - correct
    return bool(short.mean() <= short.std(ddof=1) / math.sqrt(len(short)) + 1e-12)
