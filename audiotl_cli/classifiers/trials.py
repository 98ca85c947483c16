"""Train settings on folds of the clips, in threads or with another `Runner`."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import lru_cache

import numpy as np

from audiotl_cli.classifiers.classifier import Clips
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import FloatArray, pool, pool_clip
from audiotl_cli.classifiers.registry import find_recipe
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.classifiers.unfitted import build_scaler
from audiotl_cli.processors import n_processors

Fold = tuple[Sequence[int], Sequence[int]]
"""Positions of the training clips and of the test clips."""

Right = tuple[bool, ...]
"""Which clips of a fold were predicted correctly."""

Runner = Callable[["Trials", Sequence[tuple[Setting, int]]], Iterator[Right]]
"""Runs fits and yields their results in order."""

_serial = threading.Lock()  # for classifiers that are not thread-safe


class Trials:
    """Trains settings on folds; can be sent to another process.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One per clip.
    folds : sequence of (fit, test)
    """

    def __init__(self, clips: Clips, labels: Sequence[str], folds: Sequence[Fold]) -> None:
        self.clips = clips
        self.labels = labels
        self.folds = folds
        self.keep(1)

    def keep(self, n: int) -> None:
        """Cache this number of rotated folds, as many as are used at once."""
        self._turning = threading.Lock()
        self._rotated = lru_cache(maxsize=n + 2)(self._rotate)

    def __reduce__(self) -> tuple[type[Trials], tuple[Clips, Sequence[str], Sequence[Fold]]]:
        return Trials, (self.clips, self.labels, self.folds)

    def try_one(self, setting: Setting, number: int) -> Right:
        """Train a setting on a fold, and return which test clips it predicts correctly."""
        fit, test = self.folds[number]
        options = setting.options
        fitted, tested = self._prepared(setting, number)
        if _may_rotate(options):
            options = replace(options, pooling="mean", scale=False, sqrt=False)
        thread_safe = find_recipe(options.classifier).thread_safe
        with nullcontext() if thread_safe else _serial:
            model = fit_quietly(fitted, [self.labels[i] for i in fit], options)
        predicted = model.predict(tested)
        return tuple(self.labels[i] == label for i, label in zip(test, predicted, strict=True))

    def _prepared(self, setting: Setting, number: int) -> tuple[Clips, Clips]:
        options, parts = setting.options, setting.parts
        if not _may_rotate(options):
            fit, test = self.folds[number]
            return self._of(fit, parts), self._of(test, parts)
        together = [(part,) for part in parts] if options.combine == "average" else [parts]
        with self._turning:
            pairs = [
                self._rotated(number, options.pooling, options.sqrt, extractor)
                for extractor in together
            ]
        return _together([known for known, _ in pairs]), _together([other for _, other in pairs])

    def _of(self, rows: Sequence[int], parts: tuple[int, ...]) -> Clips:
        return [[self.clips[i][part] for part in parts] for i in rows]

    def _rotate(
        self, number: int, pooling: str, sqrt: bool, parts: tuple[int, ...]
    ) -> tuple[Clips, Clips]:
        fit, test = self.folds[number]
        return rotate(self._of(fit, parts), self._of(test, parts), pooling, sqrt=sqrt)


def _together(several: Sequence[Clips]) -> Clips:
    """Merge the parts of clips that were computed separately."""
    return [[part for clip in clips for part in clip] for clips in zip(*several, strict=True)]


@contextmanager
def fitting() -> Iterator[None]:
    """Use a single thread per fit, and hide warnings.

    The matrix products of a fit are too small to share between cores. A setting that does not
    converge has a low score. Warnings are also not shown, because warning filters are shared by
    all threads and libraries change them at any time.
    """
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1, "blas"):
        warnings.simplefilter("ignore")
        warnings.showwarning = lambda *args, **more: None  # restored with the filters
        yield


def threads(n: int | None = None) -> Runner:
    """Return a runner of `n` concurrent fits in this process, by default one per core."""
    n_threads = n or n_processors()

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


def _may_rotate(options: ClassifierOptions) -> bool:
    rotates = find_recipe(options.classifier).rotates
    return bool(options.scale) and options.pooling != "vote" and rotates


def rotate(
    fitted: Clips, tested: Clips, pooling: str, *, sqrt: bool = False
) -> tuple[list[list[FloatArray]], list[list[FloatArray]]]:
    """Pool and scale clips, and rotate them into the space spanned by the training clips.

    Fewer clips than features lie in a space of as many dimensions as there are clips. What
    sees only products and distances of features (linear models, kernels) is fitted there to
    the same result, in a fraction of the time.

    Parameters
    ----------
    fitted, tested : sequence of sequences of float32 (n_frames, dim)
    pooling : str
        Not ``vote``.
    sqrt : bool
        Whether to scale them by `SqrtScaler` instead of standardising them.

    Returns
    -------
    fitted, tested : sequence of [float32 (1, n)]
        Where there are fewer fitted clips than features, ``n`` is one more than there are
        such clips: the last value is a clip's distance from the space they span.
    """
    scaler = build_scaler(sqrt=sqrt, widths=[pool(part, pooling).shape[1] for part in fitted[0]])
    X = scaler.fit_transform(np.concatenate([pool_clip(parts, pooling) for parts in fitted]))
    Z = scaler.transform(np.concatenate([pool_clip(parts, pooling) for parts in tested]))
    if X.shape[0] < X.shape[1]:
        basis = np.linalg.svd(X, full_matrices=False)[2].T
        outside = np.linalg.norm(Z - Z @ basis @ basis.T, axis=1, keepdims=True)
        X = np.hstack([X @ basis, np.zeros((len(X), 1), X.dtype)])
        Z = np.hstack([Z @ basis, outside])
    return [[row[None, :]] for row in X], [[row[None, :]] for row in Z]
