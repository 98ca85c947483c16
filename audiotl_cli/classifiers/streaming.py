"""Train a linear classifier on frames read block by block, over several epochs."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.classifier import ClipClassifier, Clips
from audiotl_cli.classifiers.labels import label_names, label_numbers
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pipeline import Pipeline
from audiotl_cli.classifiers.pooling import FloatArray, pool_clip
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.classifiers.registry import find_recipe, registered, standardises
from audiotl_cli.classifiers.training import finish_pipeline
from audiotl_cli.classifiers.unfitted import Unfitted, build_steps
from audiotl_cli.errors import UsageError

logger = logging.getLogger(__name__)

Blocks = Callable[[np.random.Generator], Iterator[tuple[Clips, Sequence[str]]]]
"""Yields blocks of clips and labels in random order; called once per epoch."""

Rows = Callable[[np.random.Generator], Iterator[tuple[FloatArray, npt.NDArray[np.int64]]]]
"""Yields the frames of blocks and the numbers of their labels."""

N_STEPS = 1_000_000
"""Rows after which stochastic gradient descent has converged, empirically, as scikit-learn's
guide says ("Tips on Practical Use", Stochastic Gradient Descent)."""
MIN_EPOCHS, MAX_EPOCHS = 5, 50


def streamed_classifiers() -> list[str]:
    """Return the classifiers that can be trained block by block."""
    return [name for name, recipe in registered().items() if recipe.streams]


def fit_streamed(
    blocks: Blocks, labels: Sequence[str], widths: Sequence[int], options: ClassifierOptions
) -> ClipClassifier:
    """Train a classifier of frames without loading all of them into memory.

    ``perceptron`` is trained as in memory, but over blocks; see `build_streaming` of the other
    recipes.

    Parameters
    ----------
    blocks : callable
    labels : sequence of str
        Of all clips.
    widths : sequence of int
        Number of features of each extractor.
    options : ClassifierOptions

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        The classifier cannot be trained block by block, or not with these parameters.
    """
    from threadpoolctl import threadpool_limits

    if options.multi_label or options.combine != "concat":
        raise UsageError(
            "frames that do not fit into memory cannot be used with multi-label clips or with "
            "--combine; choose a pooling that gives one row per clip, such as mean+std"
        )
    recipe = find_recipe(options.classifier)
    if not recipe.streams:
        raise UsageError(
            f"{recipe.name} cannot be trained block by block; choose from "
            f"{', '.join(streamed_classifiers())}"
        )
    names = label_names(labels, multi_label=False)

    def rows(rng: np.random.Generator) -> Iterator[tuple[FloatArray, npt.NDArray[np.int64]]]:
        for clips, texts in blocks(rng):
            yield _mixed(clips, label_numbers(texts, names, multi_label=False), rng)

    if options.scale is None and not options.sqrt:
        options = replace(options, scale=standardises(options.classifier, len(widths)))
    try:
        with threadpool_limits(1, "blas"):
            pipeline, params = _fit(recipe, rows, len(names), widths, options)
    except (ArithmeticError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UsageError(f"{options.classifier} cannot be fitted: {reason}") from error
    return ClipClassifier(pipeline, names, options.pooling, params=params)


def _fit(
    recipe: Recipe, rows: Rows, n_labels: int, widths: Sequence[int], options: ClassifierOptions
) -> tuple[Pipeline, Mapping[str, Any]]:
    rng = np.random.default_rng(options.seed)
    recipe.build_streaming(options.params, options.seed, 1)  # fails early
    steps = build_steps(recipe, options, widths)
    counts = np.zeros(n_labels, np.int64)
    for X, y in rows(rng):
        counts += np.bincount(y, minlength=n_labels)
        for _, scaler in steps:
            scaler.partial_fit(X)
    n_rows = int(counts.sum())
    estimator = recipe.build_streaming(options.params, options.seed, n_rows)
    if options.balance:  # scikit-learn's "balanced" needs all rows at once
        weights = n_rows / (n_labels * np.maximum(counts, 1))
        estimator.set_params(class_weight=dict(enumerate(weights.tolist())))
    n_epochs = min(max(math.ceil(N_STEPS / n_rows), MIN_EPOCHS), MAX_EPOCHS)
    n_epochs = min(n_epochs, options.params.get("max_iter", MAX_EPOCHS))
    logger.info("Training %s on %d frames in %d passes", options.classifier, n_rows, n_epochs)
    for _ in range(n_epochs):
        for X, y in rows(rng):
            for _, scaler in steps:
                X = scaler.transform(X, copy=False)
            estimator.partial_fit(X, y, classes=np.arange(n_labels))
    unfitted = Unfitted(recipe, [*steps, (recipe.name, estimator)])
    return finish_pipeline(unfitted, X.shape[1]), unfitted.params()


def _mixed(
    clips: Clips, y: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Concatenate the frames of clips in random order."""
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
