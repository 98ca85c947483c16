"""Choose pooling, classifier and parameters by cross-validation on training clips alone."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from audiotl_cli.classify.classifier import ClassifierOptions, Clips, fit_quietly
from audiotl_cli.classify.pooling import FloatArray, pool_clip
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

    fitted = [[clips[i] for i in fit] for fit, _ in folds]
    tested = [[clips[i] for i in test] for _, test in folds]

    @cache
    def rotated_fold(number: int, pooling: str) -> tuple[Clips, Clips]:
        return rotate(fitted[number], tested[number], pooling)

    def accuracy(options: ClassifierOptions, number: int) -> float:
        known: Clips = fitted[number]
        unknown: Clips = tested[number]
        if _may_rotate(options):
            known, unknown = rotated_fold(number, options.pooling)
            options = replace(options, pooling="mean", scale=False)
        fit, test = folds[number]
        model = fit_quietly(known, [labels[i] for i in fit], options)
        told = model.predict(unknown)
        return sum(labels[i] == one for i, one in zip(test, told, strict=True)) / len(test)

    accuracies = []
    pairs = itertools.product(candidates, range(len(folds)))
    # a fit a core: the products within one are too small to share between cores
    with (
        warnings.catch_warnings(),
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        warnings.simplefilter("ignore")  # a setting that does not converge shows in its score
        fits = [pool.submit(accuracy, *pair) for pair in pairs]
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


def _may_rotate(options: ClassifierOptions) -> bool:
    known = {name for name, _, _ in _LEARNERS}
    plain = options.scale and options.pca is None and options.combine == "concat"
    return bool(plain) and options.classifier in known


def rotate(
    fitted: Clips, tested: Clips, pooling: str
) -> tuple[list[list[FloatArray]], list[list[FloatArray]]]:
    """Pool and standardise clips, and turn them into the space that the fitted ones span.

    Fewer clips than features lie in a space of as many dimensions as there are clips. What
    sees only products and distances of features (linear models, kernels) is fitted there to
    the same result, in a fraction of the time.

    Parameters
    ----------
    fitted, tested : sequence of sequences of float32 (n_frames, dim)
    pooling : str
        Not ``vote``.

    Returns
    -------
    fitted, tested : sequence of [float32 (1, n)]
        Where there are fewer fitted clips than features, ``n`` is one more than there are
        such clips: the last value is a clip's distance from the space they span.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    X = scaler.fit_transform(np.concatenate([pool_clip(parts, pooling) for parts in fitted]))
    Z = scaler.transform(np.concatenate([pool_clip(parts, pooling) for parts in tested]))
    if X.shape[0] < X.shape[1]:
        basis = np.linalg.svd(X, full_matrices=False)[2].T
        outside = np.linalg.norm(Z - Z @ basis @ basis.T, axis=1, keepdims=True)
        X = np.hstack([X @ basis, np.zeros((len(X), 1), X.dtype)])
        Z = np.hstack([Z @ basis, outside])
    return [[row[None, :]] for row in X], [[row[None, :]] for row in Z]
