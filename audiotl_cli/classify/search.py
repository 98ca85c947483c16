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

from audiotl_cli.classify.choice import Tried, contenders
from audiotl_cli.classify.classifier import ClassifierOptions, Clips, fit_quietly
from audiotl_cli.classify.pooling import FloatArray, pool, pool_clip
from audiotl_cli.classify.space import LEARNERS, Setting
from audiotl_cli.classify.table import build_scaler

Fold = tuple[Sequence[int], Sequence[int]]
"""Positions of the clips to fit on, and of those to try it on."""

Right = tuple[bool, ...]
"""Which clips of a fold were told right."""

OnFit = Callable[[Setting, int, Right], None]
"""Told of every fit: the setting, the fold's number, and how it did."""

# liblinear draws its random numbers from one generator for the whole process
_one_at_a_time = threading.Lock()
_ALONE = ("linear-svm",)


def search(
    clips: Clips,
    labels: Sequence[str],
    folds: Sequence[Fold],
    candidates: Sequence[Setting],
    *,
    known: Mapping[tuple[int, int], Right] | None = None,
    on_fit: OnFit = lambda setting, fold, right: None,
    on_drop: Callable[[int], None] = lambda n_fits: None,
    workers: int | None = None,
) -> list[Tried]:
    """Try settings on folds of the clips, one fold after the other.

    After every fold, settings that are clearly worse than the best are dropped; see `contenders`.

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
    on_drop : callable
        Told how many fits need not be made.
    workers : int, optional
        How many fits at once; one a core unless given. Results do not depend on it.

    Returns
    -------
    tried : list of Tried
        In the order of `candidates`.
    """
    from threadpoolctl import threadpool_limits

    workers = workers or os.cpu_count() or 1
    turning = threading.Lock()

    def of(rows: Sequence[int], parts: tuple[int, ...]) -> Clips:
        return [[clips[i][part] for part in parts] for i in rows]

    @lru_cache(maxsize=workers + 2)
    def rotated(
        number: int, pooling: str, root: bool, parts: tuple[int, ...]
    ) -> tuple[Clips, Clips]:
        fit, test = folds[number]
        return rotate(of(fit, parts), of(test, parts), pooling, root=root)

    def prepared(setting: Setting, number: int) -> tuple[Clips, Clips]:
        fit, test = folds[number]
        options, parts = setting.options, setting.parts
        if not _may_rotate(options):
            return of(fit, parts), of(test, parts)
        together = [(part,) for part in parts] if options.combine == "average" else [parts]
        with turning:
            pairs = [rotated(number, options.pooling, options.root, one) for one in together]
        return _together([one for one, _ in pairs]), _together([one for _, one in pairs])

    def try_one(setting: Setting, number: int) -> Right:
        fit, test = folds[number]
        fitted, tested = prepared(setting, number)
        options = setting.options
        if _may_rotate(options):
            options = replace(options, pooling="mean", scale=False, root=False)
        with _one_at_a_time if options.classifier in _ALONE else nullcontext():
            model = fit_quietly(fitted, [labels[i] for i in fit], options)
        told = model.predict(tested)
        return tuple(labels[i] == one for i, one in zip(test, told, strict=True))

    done = dict(known or {})
    right: dict[int, tuple[Right, ...]] = dict.fromkeys(range(len(candidates)), ())
    racing = list(right)
    # a fit a core: the products within one are too small to share between cores
    with _no_warnings(), threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as threads:
        for fold in range(len(folds)):
            # one after the other, settings share what is turned for them
            jobs = sorted(
                (i for i in racing if (i, fold) not in done),
                key=lambda i: (*_pooled_by(candidates[i]), i),
            )
            fits = [(i, threads.submit(try_one, candidates[i], fold)) for i in jobs]
            try:
                for i, fit in fits:
                    done[i, fold] = fit.result()
                    on_fit(candidates[i], fold, done[i, fold])
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
            for i in racing:
                right[i] = (*right[i], done[i, fold])
            left = contenders({i: right[i] for i in racing})
            if len(left) < len(racing):
                on_drop((len(racing) - len(left)) * (len(folds) - fold - 1))
            racing = left
    return [Tried(one, right[i]) for i, one in enumerate(candidates)]


def _together(several: Sequence[Clips]) -> Clips:
    """Return clips with all their parts, given some parts of all clips at a time."""
    return [[part for clip in one for part in clip] for one in zip(*several, strict=True)]


def _pooled_by(setting: Setting) -> tuple[tuple[int, ...], str, bool]:
    return setting.parts, setting.options.pooling, setting.options.root


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Show no warnings: a setting that does not converge shows in its score.

    The filters are one list for all threads, which libraries change and put back at any time, so
    that what is ignored here would come through now and then.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.showwarning = lambda *args, **more: None  # put back with the filters
        yield


def _may_rotate(options: ClassifierOptions) -> bool:
    known = {name for name, _, _ in LEARNERS}
    return bool(options.scale) and options.pooling != "vote" and options.classifier in known


def rotate(
    fitted: Clips, tested: Clips, pooling: str, *, root: bool = False
) -> tuple[list[list[FloatArray]], list[list[FloatArray]]]:
    """Pool and scale clips, and turn them into the space that the fitted ones span.

    Fewer clips than features lie in a space of as many dimensions as there are clips. What
    sees only products and distances of features (linear models, kernels) is fitted there to
    the same result, in a fraction of the time.

    Parameters
    ----------
    fitted, tested : sequence of sequences of float32 (n_frames, dim)
    pooling : str
        Not ``vote``.
    root : bool
        Whether they are scaled by `RootScaler`, or standardised.

    Returns
    -------
    fitted, tested : sequence of [float32 (1, n)]
        Where there are fewer fitted clips than features, ``n`` is one more than there are
        such clips: the last value is a clip's distance from the space they span.
    """
    scaler = build_scaler(root, [pool(part, pooling).shape[1] for part in fitted[0]])
    X = scaler.fit_transform(np.concatenate([pool_clip(parts, pooling) for parts in fitted]))
    Z = scaler.transform(np.concatenate([pool_clip(parts, pooling) for parts in tested]))
    if X.shape[0] < X.shape[1]:
        basis = np.linalg.svd(X, full_matrices=False)[2].T
        outside = np.linalg.norm(Z - Z @ basis @ basis.T, axis=1, keepdims=True)
        X = np.hstack([X @ basis, np.zeros((len(X), 1), X.dtype)])
        Z = np.hstack([Z @ basis, outside])
    return [[row[None, :]] for row in X], [[row[None, :]] for row in Z]
