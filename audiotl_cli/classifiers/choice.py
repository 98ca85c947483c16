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
    weights : tuple of tuples of float or None
        Per fold, what every clip counts where labels are unbalanced; see `clip_weights`.
    """

    setting: Setting
    right: tuple[tuple[bool, ...], ...]
    weights: tuple[tuple[float, ...], ...] | None = None

    @property
    def all_right(self) -> npt.NDArray[np.float64]:
        """1 for every clip it predicted correctly, else 0, fold after fold."""
        return np.concatenate([np.asarray(fold, np.float64) for fold in self.right])

    @property
    def accuracy(self) -> float:
        """Share of clips predicted correctly, each by a model that was not fitted on it."""
        return float(self.all_right.mean())

    @property
    def all_weights(self) -> npt.NDArray[np.float64]:
        """What every clip counts, fold after fold."""
        if self.weights is None:
            return np.ones(len(self.all_right))
        return np.concatenate([np.asarray(fold) for fold in self.weights[: len(self.right)]])

    @property
    def score(self) -> float:
        """What settings are compared by: balanced accuracy with weights, else the accuracy."""
        return float(np.average(self.all_right, weights=self.all_weights))

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
        balanced = {} if self.weights is None else {"balanced_accuracy": self.score}
        return balanced | {
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
    return sorted(tried, key=lambda trial: (-len(trial.right), -trial.score))


def pick(tried: Sequence[Tried]) -> Tried:
    """Return the simplest setting that is statistically tied with the best.

    A setting is tied if it is worse than the best by at most one standard error of the paired
    difference over clips. Among the tied settings, complexity (the kind of classifier and the
    number of extractors) decides, and then the score. The best of many settings is
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


def contenders(
    right: Mapping[int, Sequence[Sequence[bool]]], weights: Sequence[Sequence[float]] | None = None
) -> list[int]:
    """Return the settings that may still be the best.

    A setting is dropped if it is significantly worse than the best so far on the same clips
    (McNemar, 1947, one-sided, p < 0.023), as in racing
    (Maron, O., and Moore, A. (1994). Hoeffding races. NIPS 6).

    Parameters
    ----------
    right : mapping
        From settings to which clips they predicted correctly, fold by fold, in the same folds.
    weights : sequence of sequences of float, optional
        What every clip counts, fold by fold; 1 unless given.
    """
    correct = {
        i: np.concatenate([np.asarray(fold, bool) for fold in folds]) for i, folds in right.items()
    }
    n_clips = len(next(iter(correct.values())))
    count = np.ones(n_clips) if weights is None else np.concatenate([np.array(w) for w in weights])
    best = max(correct.values(), key=lambda clips: float(count[clips].sum()))
    left = []
    for i, clips in correct.items():
        lost, won = count[best & ~clips], count[clips & ~best]
        spread = math.sqrt((lost**2).sum() + (won**2).sum())
        if lost.sum() - won.sum() <= HOPELESS * spread:
            left.append(i)
    return left


def is_tied(trial: Tried, best: Tried) -> bool:
    """Return whether a setting is statistically tied with a better one; see `pick`.

    A setting that was dropped, because it was clearly worse, is not.
    """
    if len(trial.right) != len(best.right):
        return False
    short = (best.all_right - trial.all_right) * best.all_weights
    return bool(short.mean() <= short.std(ddof=1) / math.sqrt(len(short)) + 1e-12)
