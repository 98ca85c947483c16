"""Try settings by cross-validation."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache

import numpy as np

from audiotl_cli.classify.choice import Tried
from audiotl_cli.classify.classifier import ClassifierOptions, Clips, fit_quietly
from audiotl_cli.classify.pooling import FloatArray, pool_clip
from audiotl_cli.classify.space import LEARNERS, Setting

Fold = tuple[Sequence[int], Sequence[int]]
"""Positions of the clips to fit on, and of those to try it on."""

Right = tuple[bool, ...]
"""Which clips of a fold were told right."""

OnFit = Callable[[Setting, int, Right], None]
"""Told of every fit: the setting, the fold's number, and how it did."""

Runner = Callable[["Trials", Sequence[tuple[Setting, int]]], Iterator[Right]]
"""Does fits, wherever that is, and yields how they did, in order."""

# liblinear draws its random numbers from one generator for the whole process
_one_at_a_time = threading.Lock()
_ALONE = ("linear-svm",)


class Trials:
    """Fits of settings on folds; may be sent to another process.

    Parameters
    ----------
    clips, labels, folds
        As for `search`.
    """

    def __init__(self, clips: Clips, labels: Sequence[str], folds: Sequence[Fold]) -> None:
        self.clips = clips
        self.labels = labels
        self.folds = folds
        self.keep(1)

    def keep(self, n: int) -> None:
        """Keep so many foldings turned into another space: as many as are worked on at once."""
        self._turning = threading.Lock()
        self._rotated = lru_cache(maxsize=n + 1)(self._rotate)

    def __reduce__(self) -> tuple[type[Trials], tuple[Clips, Sequence[str], Sequence[Fold]]]:
        return Trials, (self.clips, self.labels, self.folds)

    def try_one(self, setting: Setting, number: int) -> Right:
        """Fit a setting on a fold, and tell which of its clips it gets right."""
        fit, test = self.folds[number]
        options, parts = setting.options, setting.parts
        if _may_rotate(options):
            with self._turning:
                fitted, tested = self._rotated(number, options.pooling, parts)
            options = replace(options, pooling="mean", scale=False)
        else:
            fitted, tested = self._of(fit, parts), self._of(test, parts)
        with _one_at_a_time if options.classifier in _ALONE else nullcontext():
            model = fit_quietly(fitted, [self.labels[i] for i in fit], options)
        told = model.predict(tested)
        return tuple(self.labels[i] == one for i, one in zip(test, told, strict=True))

    def _of(self, rows: Sequence[int], parts: tuple[int, ...]) -> Clips:
        return [[self.clips[i][part] for part in parts] for i in rows]

    def _rotate(self, number: int, pooling: str, parts: tuple[int, ...]) -> tuple[Clips, Clips]:
        fit, test = self.folds[number]
        return rotate(self._of(fit, parts), self._of(test, parts), pooling)


@contextmanager
def fitting() -> Iterator[None]:
    """Let every fit have one thread: the products within one are too small to share."""
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore")  # a setting that does not converge shows in its score
        yield


def threads(n: int | None = None) -> Runner:
    """Return what does `n` fits at once in this process; one a core unless given."""
    n_threads = n or os.cpu_count() or 1

    def run(trials: Trials, jobs: Sequence[tuple[Setting, int]]) -> Iterator[Right]:
        trials.keep(n_threads)
        with fitting(), ThreadPoolExecutor(n_threads) as pool:
            fits = [pool.submit(trials.try_one, setting, fold) for setting, fold in jobs]
            try:
                for fit in fits:
                    yield fit.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    return run


def search(
    clips: Clips,
    labels: Sequence[str],
    folds: Sequence[Fold],
    candidates: Sequence[Setting],
    *,
    known: Mapping[tuple[int, int], Right] | None = None,
    on_fit: OnFit = lambda setting, fold, right: None,
    run: Runner | None = None,
) -> list[Tried]:
    """Try settings on folds of the clips.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip.
    folds : sequence of (fit, test)
    candidates : sequence of Setting
    known : mapping, optional
        What has been tried before, by positions of setting and fold.
    on_fit : callable
        Called in this thread.
    run : Runner, optional
        What does the fits; `threads` unless given. Results do not depend on it.

    Returns
    -------
    tried : list of Tried
        In the order of `candidates`.
    """
    done = dict(known or {})
    jobs = sorted(
        (
            (one.parts, one.options.pooling, fold, i)
            for i, one in enumerate(candidates)
            for fold in range(len(folds))
            if (i, fold) not in done
        )
    )
    trials = Trials(clips, labels, folds)
    fits = (run or threads())(trials, [(candidates[i], fold) for _, _, fold, i in jobs])
    for (_, _, fold, i), right in zip(jobs, fits, strict=True):
        done[i, fold] = right
        on_fit(candidates[i], fold, right)
    return [
        Tried(one, tuple(done[i, fold] for fold in range(len(folds))))
        for i, one in enumerate(candidates)
    ]


def _may_rotate(options: ClassifierOptions) -> bool:
    known = {name for name, _, _ in LEARNERS}
    plain = options.scale and options.pooling != "vote" and options.combine == "concat"
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
