"""Train classifiers with scikit-learn, and convert their parameters to plain data."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.average import Average
from audiotl_cli.classifiers.checks import DamagedError
from audiotl_cli.classifiers.classifier import ClipClassifier, Clips
from audiotl_cli.classifiers.labels import label_names, label_numbers, resample
from audiotl_cli.classifiers.one_versus_rest import Constant, OneVersusRest
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.parts import Array, Head, Step
from audiotl_cli.classifiers.pipeline import Fitted, Pipeline, read_pipeline
from audiotl_cli.classifiers.pooling import pool, pool_clip
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.classifiers.registry import find_recipe, standardises
from audiotl_cli.classifiers.steps.sqrt_scaling import SqrtScaler, SqrtScaling
from audiotl_cli.classifiers.steps.standardise import Standardise
from audiotl_cli.classifiers.steps.whitening import Whitening
from audiotl_cli.classifiers.unfitted import Unfitted, build_classifier, check_choices
from audiotl_cli.errors import UsageError

logger = logging.getLogger(__name__)

UNFITTABLE = (ArithmeticError, AttributeError, DamagedError, LookupError, TypeError, ValueError)
"""Exceptions raised when parameters do not suit the data."""


def fit_classifier(
    clips: Clips, labels: Sequence[str], options: ClassifierOptions
) -> ClipClassifier:
    """Train a classifier on clips, and log scikit-learn's warnings.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One per clip; at least two different labels.
    options : ClassifierOptions

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        Parameters that the classifier or the data do not allow.
    """
    from threadpoolctl import threadpool_limits

    # the last bit of a matrix product depends on the number of threads
    with threadpool_limits(1, "blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = fit_quietly(clips, labels, options)
    for text in sorted({str(warning.message).splitlines()[0] for warning in caught}):
        logger.warning("%s: %s", options.classifier, text)
    return classifier


def fit_quietly(clips: Clips, labels: Sequence[str], options: ClassifierOptions) -> ClipClassifier:
    """Train a classifier on clips like `fit_classifier`, but safely in several threads at once."""
    check_choices(options)
    names = label_names(labels, multi_label=options.multi_label)
    X, y = _training_rows(
        clips, label_numbers(labels, names, multi_label=options.multi_label), options
    )
    recipe = find_recipe(options.classifier)
    options = replace(options, params={**recipe.suited_params(len(X)), **options.params})
    widths = [pool(part, options.pooling).shape[1] for part in clips[0]]
    try:
        pipeline, params = fit_pipeline(X, y, options, widths)
        classifier = ClipClassifier(
            pipeline, names, options.pooling, options.multi_label, params=params
        )
        classifier.scores(clips[:1])  # some invalid parameters only fail in prediction
    except UNFITTABLE as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UsageError(
            f"{options.classifier} cannot be fitted to {len(clips)} clips: {reason}"
        ) from error
    return classifier


def _training_rows(
    clips: Clips, y: npt.NDArray[np.int64], options: ClassifierOptions
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return the training rows and their labels, with rare labels resampled if requested."""
    rows = [pool_clip(parts, options.pooling) for parts in clips]
    X = np.concatenate(rows)
    if options.pca is not None and not 1 <= options.pca <= min(X.shape):
        raise UsageError(
            f"--pca is {options.pca}, but {X.shape[0]} rows of {X.shape[1]} features allow "
            f"1 to {min(X.shape)}"
        )
    y = np.repeat(y, [len(part) for part in rows], axis=0)
    recipe = find_recipe(options.classifier)
    if options.balance and not recipe.class_weights and not recipe.equal_priors:
        again = resample(y, options.seed)
        X, y = X[again], y[again]
    return X, y


def fit_pipeline(
    X: Array, y: npt.NDArray[np.int64], options: ClassifierOptions, widths: Sequence[int]
) -> tuple[Pipeline, Mapping[str, Any]]:
    """Fit a pipeline on rows; return it and the parameters of its classifier.

    Parameters
    ----------
    X : float32 (n_rows, n_features)
    y : int64 (n_rows,)
        Numbers of labels; or (n_rows, n_labels) of 0 and 1.
    options : ClassifierOptions
    widths : sequence of int
        Number of features of each extractor.
    """
    if options.combine == "average" and len(widths) > 1:
        return _fit_average(X, y, options, widths)
    scale = options.scale
    if scale is None and not options.sqrt:
        scale = standardises(options.classifier, n_extractors=len(widths))
    unfitted = build_classifier(replace(options, scale=scale), widths)
    n_features = X.shape[1]
    for _, transformer in unfitted.steps[:-1]:
        X = transformer.fit_transform(X)
    estimator = unfitted.steps[-1][1].fit(X, y)
    if options.balance and unfitted.recipe.equal_priors:
        _equalise(unfitted.recipe, estimator, y)
    return finish_pipeline(unfitted, n_features), unfitted.params()


def _equalise(recipe: Recipe, estimator: Any, y: npt.NDArray[np.int64]) -> None:
    if y.ndim == 1:
        recipe.equalise(estimator, np.bincount(y).astype(np.float64))
        return
    for member, has in zip(estimator.estimators_, y.T, strict=True):
        if 0 < has.sum() < len(has):  # otherwise all rows are the same
            recipe.equalise(member, np.bincount(has).astype(np.float64))


def _fit_average(
    X: Array, y: npt.NDArray[np.int64], options: ClassifierOptions, widths: Sequence[int]
) -> tuple[Pipeline, Mapping[str, Any]]:
    alone = replace(options, combine="concat")
    if alone.scale is None and not alone.sqrt:
        alone = replace(alone, scale=standardises(alone.classifier, n_extractors=len(widths)))
    ends = np.cumsum(widths).tolist()
    fits = [
        fit_pipeline(X[:, first:last], y, alone, [last - first])
        for first, last in zip([0, *ends[:-1]], ends, strict=True)
    ]
    n_labels = y.shape[1] if options.multi_label else len(np.unique(y))
    head = Average([member for member, _ in fits], list(widths), n_labels, options.multi_label)
    return Pipeline([], head, X.shape[1]), fits[0][1]


def finish_pipeline(unfitted: Unfitted, n_features: int) -> Pipeline:
    """Return the fitted pipeline as plain data."""
    estimator = unfitted.steps[-1][1]
    steps = [_finished_step(transformer) for _, transformer in unfitted.steps[:-1]]
    if unfitted.multi_label:
        head: Head = OneVersusRest(list(_finished_members(unfitted.recipe, estimator)))
        n_labels = len(estimator.estimators_)
    else:
        head = Fitted(unfitted.recipe, unfitted.recipe.to_state(estimator))
        n_labels = len(estimator.classes_)
    part = Pipeline(steps, head, n_features).to_part().settled()
    return read_pipeline(part, n_labels, multi_label=unfitted.multi_label)


def _finished_step(transformer: Any) -> Step:
    if isinstance(transformer, SqrtScaler):
        return SqrtScaling.of(transformer)
    return (
        Whitening.of(transformer)
        if hasattr(transformer, "components_")
        else Standardise.of(transformer)
    )


def _finished_members(recipe: Recipe, one_versus_rest: Any) -> Iterator[Head]:
    for member in one_versus_rest.estimators_:
        if hasattr(member, "y_") and not hasattr(member, "classes_"):  # all rows are the same
            yield Constant(int(member.y_[0]))
        else:
            yield Fitted(recipe, recipe.to_state(member))
