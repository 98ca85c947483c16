"""Try settings by cross-validation."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
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
    workers: int | None = None,
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

    @lru_cache(maxsize=workers + 1)
    def rotated(number: int, pooling: str, parts: tuple[int, ...]) -> tuple[Clips, Clips]:
        fit, test = folds[number]
        return rotate(of(fit, parts), of(test, parts), pooling)

    def try_one(setting: Setting, number: int) -> Right:
        fit, test = folds[number]
        options, parts = setting.options, setting.parts
        if _may_rotate(options):
            with turning:
                fitted, tested = rotated(number, options.pooling, parts)
            options = replace(options, pooling="mean", scale=False)
        else:
            fitted, tested = of(fit, parts), of(test, parts)
        with _one_at_a_time if options.classifier in _ALONE else nullcontext():
            model = fit_quietly(fitted, [labels[i] for i in fit], options)
        told = model.predict(tested)
        return tuple(labels[i] == one for i, one in zip(test, told, strict=True))

    done = dict(known or {})
    jobs = sorted(
        (
            (one.parts, one.options.pooling, fold, i)
            for i, one in enumerate(candidates)
            for fold in range(len(folds))
            if (i, fold) not in done
        )
    )
    # a fit a core: the products within one are too small to share between cores
    with (
        warnings.catch_warnings(),
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(workers) as pool,
    ):
        warnings.simplefilter("ignore")  # a setting that does not converge shows in its score
        fits = [(i, fold, pool.submit(try_one, candidates[i], fold)) for _, _, fold, i in jobs]
        try:
            for i, fold, fit in fits:
                done[i, fold] = fit.result()
                on_fit(candidates[i], fold, done[i, fold])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
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
