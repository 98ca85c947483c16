"""Build unfitted scikit-learn estimators from options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audiotl_cli.classifiers.options import COMBINATIONS, ClassifierOptions
from audiotl_cli.classifiers.pooling import check_pooling
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.classifiers.registry import find_recipe
from audiotl_cli.classifiers.steps.sqrt_scaling import SqrtScaler
from audiotl_cli.errors import UsageError
from audiotl_cli.spelling import did_you_mean


@dataclass(frozen=True)
class Unfitted:
    """The unfitted steps of a pipeline, in order.

    Parameters
    ----------
    recipe : Recipe
    steps : list of (str, object)
        Steps that prepare features, and finally the scikit-learn estimator.
    multi_label : bool
        Whether the estimator is a one-versus-rest classifier.
    """

    recipe: Recipe
    steps: list[tuple[str, Any]]
    multi_label: bool = False

    def params(self) -> dict[str, Any]:
        """Return the parameters of the estimator as plain values."""
        estimator = self.steps[-1][1]
        estimator = estimator.estimator if self.multi_label else estimator
        return {name: _plain(value) for name, value in sorted(estimator.get_params().items())}


def check_options(options: ClassifierOptions) -> None:
    """Refuse options that no clips could make right, before any work is done.

    Raises
    ------
    UsageError
        There is no such classifier, pooling, combination or parameter, or options do not go
        together.
    """
    check_choices(options)
    if options.pca is not None and options.pca < 1:
        raise UsageError(f"--pca is {options.pca}, expected a number of dimensions from 1")
    build_classifier(options)


def check_choices(options: ClassifierOptions) -> None:
    """Refuse options that do not exist or do not go together; parameters are not looked at."""
    recipe = find_recipe(options.classifier)
    check_pooling(options.pooling)
    if options.combine not in COMBINATIONS:
        raise UsageError(
            f"--combine is {options.combine!r}, expected one of {', '.join(COMBINATIONS)}"
        )
    resampled = not recipe.class_weights and not recipe.equal_priors
    if options.balance and options.multi_label and resampled:
        raise UsageError(
            f"{options.classifier} cannot balance multi-label clips; leave out --balance, "
            "or choose another classifier, such as logreg"
        )


def build_classifier(options: ClassifierOptions, widths: Sequence[int] = ()) -> Unfitted:
    """Return the unfitted pipeline.

    Parameters
    ----------
    options : ClassifierOptions
        `scale` None is the recipe's choice, and yes for `sqrt`; `combine` is not looked at.
    widths : sequence of int
        Number of features of each extractor, for `sqrt`.

    Raises
    ------
    UsageError
        The classifier has no such parameter, or its scores would not be one a label; or roots
        are not to be scaled.
    """
    recipe = find_recipe(options.classifier)
    steps = build_steps(recipe, options, widths)
    estimator = _build_estimator(recipe, options)
    if options.multi_label:
        from sklearn.multiclass import OneVsRestClassifier

        estimator = OneVsRestClassifier(estimator)
    return Unfitted(recipe, [*steps, (recipe.name, estimator)], options.multi_label)


def build_steps(
    recipe: Recipe, options: ClassifierOptions, widths: Sequence[int] = ()
) -> list[tuple[str, Any]]:
    """Return the unfitted steps that prepare features; see `build_classifier`."""
    scale = options.scale
    if options.sqrt and scale is False:
        raise UsageError("--root scales the features, so it cannot be combined with --no-scale")
    steps: list[tuple[str, Any]] = []
    if (options.sqrt or recipe.scales) if scale is None else scale:
        steps.append(("scale", build_scaler(sqrt=options.sqrt, widths=widths)))
    if options.pca is not None:
        from sklearn.decomposition import PCA

        pca = PCA(n_components=options.pca, whiten=True, random_state=options.seed)
        steps.append(("pca", pca))
    return steps


def build_scaler(*, sqrt: bool, widths: Sequence[int] = ()) -> Any:
    """Return an unfitted scaler: `SqrtScaler` or `StandardScaler`."""
    from sklearn.preprocessing import StandardScaler

    return SqrtScaler(widths) if sqrt else StandardScaler()


def _build_estimator(recipe: Recipe, options: ClassifierOptions) -> Any:
    usual = dict(recipe.params)
    if recipe.seeded:
        usual["random_state"] = options.seed
    if options.balance and recipe.class_weights:
        usual["class_weight"] = "balanced"
    chosen = {**usual, **options.params}
    if chosen.get("decision_function_shape", "ovr") != "ovr":
        raise UsageError(
            f"--param decision_function_shape is {chosen['decision_function_shape']!r}, "
            "expected 'ovr', which gives one score per label"
        )
    try:
        return recipe.build(chosen)
    except TypeError as error:
        known = sorted(recipe.build({}).get_params())
        wrong = sorted(options.params.keys() - set(known)) or sorted(options.params)
        raise UsageError(
            f"{recipe.name} does not take the parameters {', '.join(wrong)}; it has "
            f"{', '.join(known)}{did_you_mean(wrong[0], known)}"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    return value if value is None or isinstance(value, bool | int | str) else repr(value)
