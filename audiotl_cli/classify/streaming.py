"""Fit a linear classifier on frames that are read block by block, epoch after epoch."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.classifier import ClassifierOptions, ClipClassifier, Clips
from audiotl_cli.classify.labels import label_names, label_numbers
from audiotl_cli.classify.pooling import FloatArray, pool_clip
from audiotl_cli.classify.table import build_classifier, classifier_name, standardises
from audiotl_cli.errors import UsageError

logger = logging.getLogger(__name__)

Blocks = Callable[[np.random.Generator], Iterator[tuple[Clips, Sequence[str]]]]
"""Clips and their labels, a block at a time; called anew for every epoch, to be mixed by it."""

STREAMED = ("perceptron", "linear-svm")
"""The classifiers that can be fitted so."""

N_STEPS = 1_000_000
"""Rows after which stochastic gradient descent has converged, empirically, as scikit-learn's
guide says ("Tips on Practical Use", Stochastic Gradient Descent)."""
MIN_EPOCHS, MAX_EPOCHS = 5, 50


def fit_streamed(
    blocks: Blocks, labels: Sequence[str], widths: Sequence[int], options: ClassifierOptions
) -> ClipClassifier:
    """Fit a classifier whose frames vote, without ever having all of them in memory.

    ``perceptron`` goes on as it does in memory, but over blocks. ``linear-svm`` becomes
    gradient descent on the hinge loss, averaged over its steps, with the strength of
    regularisation that belongs to the same C: ``alpha = 1 / (C * n_rows)``.

    Parameters
    ----------
    blocks : callable
    labels : sequence of str
        Of all clips.
    widths : sequence of int
        How many features each extractor gives.
    options : ClassifierOptions

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        The classifier cannot be fitted so, or not with these parameters.
    """
    from threadpoolctl import threadpool_limits

    if options.multi_label or options.combine != "concat":
        raise UsageError(
            "frames that do not fit into memory cannot be fitted with several labels a clip, nor "
            "with --combine; take a pooling that makes one row a clip, such as mean+std"
        )
    names = label_names(labels, multi_label=False)

    def rows(rng: np.random.Generator) -> Iterator[tuple[FloatArray, npt.NDArray[np.int64]]]:
        for clips, told in blocks(rng):
            yield _mixed(clips, label_numbers(told, names, multi_label=False), rng)

    rng = np.random.default_rng(options.seed)
    scale = options.scale
    if scale is None and not options.root:
        scale = standardises(options.classifier, len(widths))
    try:
        with threadpool_limits(1, "blas"):
            options = replace(options, scale=scale)
            pipeline = _fit(rows, len(names), widths, options, rng)
    except (ArithmeticError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UsageError(f"{options.classifier} cannot be fitted: {reason}") from error
    return ClipClassifier(pipeline, names, options.pooling)


def _fit(
    rows: Callable[[np.random.Generator], Iterator[tuple[FloatArray, npt.NDArray[np.int64]]]],
    n_labels: int,
    widths: Sequence[int],
    options: ClassifierOptions,
    rng: np.random.Generator,
) -> Any:
    pipeline = _pipeline(options, widths)
    scaler = pipeline.named_steps.get("scale")
    counts = np.zeros(n_labels, np.int64)
    for X, y in rows(rng):
        counts += np.bincount(y, minlength=n_labels)
        if scaler is not None:
            scaler.partial_fit(X)
    n_rows = int(counts.sum())
    estimator = pipeline.steps[-1][1]
    if options.balance:  # "balanced" itself would have to see all rows at once
        weights = n_rows / (n_labels * np.maximum(counts, 1))
        estimator.set_params(class_weight=dict(enumerate(weights.tolist())))
    if classifier_name(options.classifier) == "linear-svm":
        estimator.set_params(alpha=1 / (options.params.get("C", 1.0) * n_rows))
    n_epochs = min(max(math.ceil(N_STEPS / n_rows), MIN_EPOCHS), MAX_EPOCHS)
    n_epochs = min(n_epochs, options.params.get("max_iter", MAX_EPOCHS))
    logger.info("Fitting %s on %d frames, %d times", options.classifier, n_rows, n_epochs)
    for _ in range(n_epochs):
        for X, y in rows(rng):
            if scaler is not None:
                X = scaler.transform(X, copy=False)
            estimator.partial_fit(X, y, classes=np.arange(n_labels))
    return pipeline


def _pipeline(options: ClassifierOptions, widths: Sequence[int]) -> Any:
    name = classifier_name(options.classifier)
    if name not in STREAMED:
        raise UsageError(f"{name} cannot be fitted block by block, only {', '.join(STREAMED)}")
    params = dict(options.params)
    build = partial(
        build_classifier,
        "perceptron",
        scale=options.scale,
        root=options.root,
        widths=widths,
        pca=None,
        seed=options.seed,
    )
    if name == "perceptron":
        return build(params)
    params.pop("max_iter", None)
    if params.keys() - {"C"}:
        raise UsageError(
            "linear-svm, fitted block by block, takes the parameters C and max_iter alone, not "
            f"{', '.join(sorted(params.keys() - {'C'}))}"
        )
    pipeline = build({"loss": "hinge", "average": True})
    pipeline.steps[-1] = (name, pipeline.steps[-1][1])
    return pipeline


def _mixed(
    clips: Clips, y: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Put the frames of clips into one array, in another order."""
    parts = [pool_clip(clip, "vote") for clip in clips]
    lengths = [len(part) for part in parts]
    place = rng.permutation(sum(lengths))
    X = np.empty((len(place), parts[0].shape[1]), np.float32)
    end = 0
    for part in parts:
        X[place[end : end + len(part)]] = part
        end += len(part)
    mixed = np.empty(len(place), np.int64)
    mixed[place] = np.repeat(y, lengths)
    return X, mixed
