"""Choose pooling, classifier and parameters by cross-validation on training clips alone."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audiotl_cli.classify.classifier import ClassifierOptions, Clips, fit_quietly
from audiotl_cli.errors import UsageError

Fold = tuple[Sequence[int], Sequence[int]]
"""Positions of the clips to fit on, and of those to try it on."""

_POOLINGS = ("mean+std", "mean", "mean+max")
_LEARNERS: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("logreg", "C", (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)),
    ("linear-svm", "C", (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)),
    ("svm", "C", (0.3, 1.0, 3.0, 10.0)),
)


@dataclass(frozen=True)
class Tried:
    """A setting and how it did.

    Parameters
    ----------
    options : ClassifierOptions
    accuracies : tuple of float
        One a fold.
    """

    options: ClassifierOptions
    accuracies: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.accuracies))

    def as_json(self) -> dict[str, Any]:
        """Return a row of a leaderboard as JSON values."""
        chosen = self.options
        return {
            "classifier": chosen.classifier,
            "pooling": chosen.pooling,
            "scale": chosen.scale,
            "params": dict(chosen.params),
            "accuracy": self.accuracy,
            "accuracies": list(self.accuracies),
        }


def settings(n: int, base: ClassifierOptions) -> list[ClassifierOptions]:
    """Return settings worth a try: the one asked for, then draws from all there are.

    Features are standardised in all but the first; PCA and seed are those asked for.

    Parameters
    ----------
    n : int
        How many, at least 1; fewer where there are not as many.
    base : ClassifierOptions

    Raises
    ------
    UsageError
        `n` is below 1.
    """
    if n < 1:
        raise UsageError(f"--search is {n}, expected a number of settings from 1")
    space = [
        replace(base, classifier=name, pooling=pooling, scale=True, params={key: value})
        for name, key, values in _LEARNERS
        for value in values
        for pooling in _POOLINGS
    ]
    order = np.random.default_rng(base.seed).permutation(len(space))
    return [base, *(space[i] for i in order[: n - 1])]


def search(
    clips: Clips,
    labels: Sequence[str],
    folds: Sequence[Fold],
    candidates: Sequence[ClassifierOptions],
    on_fit: Callable[[], None] = lambda: None,
) -> list[Tried]:
    """Try settings on folds of the clips.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip.
    folds : sequence of (fit, test)
    candidates : sequence of ClassifierOptions
    on_fit : callable
        Called after every fit.

    Returns
    -------
    tried : list of Tried
        The best first; of equals, the one named first.
    """
    from threadpoolctl import threadpool_limits

    def accuracy(options: ClassifierOptions, fold: Fold) -> float:
        fit, test = fold
        model = fit_quietly([clips[i] for i in fit], [labels[i] for i in fit], options)
        told = model.predict([clips[i] for i in test])
        return sum(labels[i] == one for i, one in zip(test, told, strict=True)) / len(test)

    accuracies = []
    # a fit a core: the products within one are too small to share between cores
    with (
        warnings.catch_warnings(),
        threadpool_limits(1),
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        warnings.simplefilter("ignore")  # a setting that does not converge shows in its score
        fits = [pool.submit(accuracy, *pair) for pair in itertools.product(candidates, folds)]
        try:
            for fit in fits:
                accuracies.append(fit.result())
                on_fit()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    n = len(folds)
    tried = [
        Tried(options, tuple(accuracies[i * n : (i + 1) * n]))
        for i, options in enumerate(candidates)
    ]
    return sorted(tried, key=lambda one: -one.accuracy)
