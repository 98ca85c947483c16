"""Fit classifiers with scikit-learn, and take over what they learnt as data."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.average import Average
from audiotl_cli.classify.checks import DamagedError
from audiotl_cli.classify.classifier import ClipClassifier, Clips
from audiotl_cli.classify.labels import label_names, label_numbers, resample
from audiotl_cli.classify.one_versus_rest import Constant, OneVersusRest
from audiotl_cli.classify.options import COMBINATIONS, ClassifierOptions
from audiotl_cli.classify.parts import Array, Head, Step
from audiotl_cli.classify.pipeline import Fitted, Pipeline, read_pipeline
from audiotl_cli.classify.pooling import pool, pool_clip
from audiotl_cli.classify.recipe import Recipe
from audiotl_cli.classify.registry import find_recipe, standardises
from audiotl_cli.classify.steps.sqrt_scaling import SqrtScaler, SqrtScaling
from audiotl_cli.classify.steps.standardise import Standardise
from audiotl_cli.classify.steps.whitening import Whitening
from audiotl_cli.errors import UsageError

logger = logging.getLogger(__name__)

UNFITTABLE = (ArithmeticError, AttributeError, DamagedError, LookupError, TypeError, ValueError)
"""What is raised when parameters do not suit the data."""


def fit_classifier(
    clips: Clips, labels: Sequence[str], options: ClassifierOptions
) -> ClipClassifier:
    """Fit a classifier on clips, and log what scikit-learn warns of.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip; at least two different ones.
    options : ClassifierOptions

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        Parameters that the classifier or the data do not allow.
    """
    from threadpoolctl import threadpool_limits

    # how many threads a matrix product has shows in the last bit of a model
    with threadpool_limits(1, "blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = fit_quietly(clips, labels, options)
    for text in sorted({str(warning.message).splitlines()[0] for warning in caught}):
        logger.warning("%s: %s", options.classifier, text)
    return classifier


def fit_quietly(clips: Clips, labels: Sequence[str], options: ClassifierOptions) -> ClipClassifier:
    """Fit a classifier on clips; as `fit_classifier`, but fit for several threads at once."""
    if options.combine not in COMBINATIONS:
        raise UsageError(f"--combine is {options.combine!r}; choose from {', '.join(COMBINATIONS)}")
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
        classifier.scores(clips[:1])  # some parameters only fail when something is predicted
    except UNFITTABLE as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UsageError(
            f"{options.classifier} cannot be fitted to {len(clips)} clips: {reason}"
        ) from error
    return classifier


def _training_rows(
    clips: Clips, y: npt.NDArray[np.int64], options: ClassifierOptions
) -> tuple[Array, npt.NDArray[np.int64]]:
    """Return the rows to fit on and what they are, rare ones repeated if they are to weigh more."""
    rows = [pool_clip(parts, options.pooling) for parts in clips]
    X = np.concatenate(rows)
    if options.pca is not None and not 1 <= options.pca <= min(X.shape):
        raise UsageError(
            f"--pca is {options.pca}, but {X.shape[0]} rows of {X.shape[1]} features allow "
            f"1 to {min(X.shape)}"
        )
    y = np.repeat(y, [len(part) for part in rows], axis=0)
    if options.balance and not find_recipe(options.classifier).class_weights:
        if options.multi_label:
            raise UsageError(
                f"{options.classifier} cannot weigh labels where clips have several; leave "
                "--balance out, or take another classifier, such as logreg"
            )
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
        How many features each extractor gives.
    """
    if options.combine == "average" and len(widths) > 1:
        return _fit_average(X, y, options, widths)
    scale = options.scale
    if scale is None and not options.sqrt:
        scale = standardises(options.classifier, n_extractors=len(widths))
    unfitted = build_classifier(
        options.classifier,
        options.params,
        scale=scale,
        sqrt=options.sqrt,
        widths=widths,
        pca=options.pca,
        seed=options.seed,
        balance=options.balance,
        multi_label=options.multi_label,
    )
    n_features = X.shape[1]
    for _, transformer in unfitted.steps[:-1]:
        X = transformer.fit_transform(X)
    unfitted.steps[-1][1].fit(X, y)
    return finish_pipeline(unfitted, n_features), unfitted.params()


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
    head = Average([one for one, _ in fits], list(widths), n_labels, options.multi_label)
    return Pipeline([], head, X.shape[1]), fits[0][1]


@dataclass(frozen=True)
class Unfitted:
    """What is to be fitted, in order.

    Parameters
    ----------
    recipe : Recipe
    steps : list of (str, object)
        What prepares features, and at the end the scikit-learn estimator.
    multi_label : bool
        Whether that is scikit-learn's one-versus-rest of estimators.
    """

    recipe: Recipe
    steps: list[tuple[str, Any]]
    multi_label: bool = False

    def params(self) -> dict[str, Any]:
        """Return the parameters of the estimator as plain values."""
        estimator = self.steps[-1][1]
        estimator = estimator.estimator if self.multi_label else estimator
        return {name: _plain(value) for name, value in sorted(estimator.get_params().items())}


def build_classifier(
    name: str,
    params: Mapping[str, Any],
    *,
    scale: bool | None,
    sqrt: bool = False,
    widths: Sequence[int] = (),
    pca: int | None,
    seed: int,
    balance: bool = False,
    multi_label: bool = False,
) -> Unfitted:
    """Return what is to be fitted.

    Parameters
    ----------
    name : str
        A name or alias.
    params : mapping
        Parameters of the estimator, over the recipe's own.
    scale : bool or None
        Whether to standardise features first; None is the recipe's choice, and yes for `sqrt`.
    sqrt : bool
        Whether scaling is that of `SqrtScaler`.
    widths : sequence of int
        How many features each extractor gives, for `sqrt`.
    pca : int or None
        Dimensions of a whitening PCA before the classifier; None for no PCA.
    seed : int
    balance : bool
        Whether labels weigh the same however many rows they have, where the classifier takes
        ``class_weight``.
    multi_label : bool
        Whether rows have any number of labels: then it is one classifier a label.

    Raises
    ------
    UsageError
        The classifier has no such parameter, or its scores would not be one a label; or roots
        are not to be scaled.
    """
    recipe = find_recipe(name)
    steps = build_steps(recipe, scale=scale, sqrt=sqrt, widths=widths, pca=pca, seed=seed)
    estimator = _build_estimator(recipe, params, seed=seed, balance=balance)
    if multi_label:
        from sklearn.multiclass import OneVsRestClassifier

        estimator = OneVsRestClassifier(estimator)
    return Unfitted(recipe, [*steps, (recipe.name, estimator)], multi_label)


def build_steps(
    recipe: Recipe,
    *,
    scale: bool | None,
    sqrt: bool = False,
    widths: Sequence[int] = (),
    pca: int | None = None,
    seed: int = 0,
) -> list[tuple[str, Any]]:
    """Return what prepares features, unfitted; see `build_classifier`."""
    if sqrt and scale is False:
        raise UsageError("--root is a way to scale features: give no --no-scale with it")
    steps: list[tuple[str, Any]] = []
    if (sqrt or recipe.scales) if scale is None else scale:
        steps.append(("scale", build_scaler(sqrt=sqrt, widths=widths)))
    if pca is not None:
        from sklearn.decomposition import PCA

        steps.append(("pca", PCA(n_components=pca, whiten=True, random_state=seed)))
    return steps


def build_scaler(*, sqrt: bool, widths: Sequence[int] = ()) -> Any:
    """Return an unfitted scaler: `SqrtScaler`, or one that standardises every feature."""
    from sklearn.preprocessing import StandardScaler

    return SqrtScaler(widths) if sqrt else StandardScaler()


def _build_estimator(recipe: Recipe, params: Mapping[str, Any], *, seed: int, balance: bool) -> Any:
    usual = dict(recipe.params)
    if recipe.seeded:
        usual["random_state"] = seed
    if balance and recipe.class_weights:
        usual["class_weight"] = "balanced"
    chosen = {**usual, **params}
    if chosen.get("decision_function_shape", "ovr") != "ovr":
        raise UsageError(
            f"--param decision_function_shape is {chosen['decision_function_shape']!r}, expected "
            "'ovr': scores here are one a label, not one a pair of labels"
        )
    try:
        return recipe.build(chosen)
    except TypeError as error:
        known = ", ".join(sorted(recipe.build({}).get_params()))
        wrong = ", ".join(sorted(params))
        raise UsageError(
            f"{recipe.name} does not take the parameters {wrong}; it has {known}"
        ) from error


def finish_pipeline(unfitted: Unfitted, n_features: int) -> Pipeline:
    """Return as data what is fitted by now."""
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


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    return value if value is None or isinstance(value, bool | int | str) else repr(value)
