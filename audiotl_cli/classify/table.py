"""The classifiers on offer: one table from a name to a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiotl_cli.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """How to build one classifier.

    Parameters
    ----------
    build : callable
        Returns the estimator, given its parameters as keywords.
    params : dict
        The parameters it gets unless others are asked for.
    scale : bool
        Whether features are standardised first unless otherwise asked for.
    seeded : bool
        Whether it takes ``random_state``.
    weighted : bool
        Whether it takes ``class_weight``.
    """

    build: Callable[..., Any]
    params: dict[str, Any] = field(default_factory=dict)
    scale: bool = False
    seeded: bool = True
    weighted: bool = True


def _linear_svm(**params: Any) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(**params)


def _svm(**params: Any) -> Any:
    from sklearn.svm import SVC

    return SVC(**params)


def _perceptron(**params: Any) -> Any:
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(**params)


def _mlp(**params: Any) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(**params)


def _knn(**params: Any) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    if params.get("metric") != "cosine":
        # as a tree it could not be checked, when loaded, for what compiled code would follow
        params = {"algorithm": "brute", **params}
    return KNeighborsClassifier(**params)


def _logreg(**params: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**params)


def _random_forest(**params: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(**params)


def _gradient_boosting(**params: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**params)


def _prototype(**params: Any) -> Any:
    from audiotl_cli.classify.prototype import Prototype

    return Prototype(**params)


RECIPES = {
    "logreg": Recipe(_logreg, {"C": 0.03, "max_iter": 1000}, scale=True),
    # the next five exactly as sklearn-audio-transfer-learning set them
    "linear-svm": Recipe(_linear_svm, {"C": 1.0}),
    "svm": Recipe(_svm, {"C": 1.0, "kernel": "rbf", "gamma": "scale"}),
    "perceptron": Recipe(_perceptron, {"loss": "log_loss", "max_iter": 600}),
    "mlp": Recipe(
        _mlp,
        {
            "hidden_layer_sizes": (20,),
            "max_iter": 600,
            "solver": "sgd",
            "learning_rate": "constant",
            "learning_rate_init": 0.001,
        },
        weighted=False,
    ),
    "knn": Recipe(_knn, {"n_neighbors": 1, "metric": "cosine"}, seeded=False, weighted=False),
    "random-forest": Recipe(_random_forest, {"n_estimators": 300}),
    "gradient-boosting": Recipe(_gradient_boosting),
    "prototype": Recipe(_prototype, scale=True, seeded=False, weighted=False),
}
DEFAULT = "logreg"
ALIASES = {"linearsvm": "linear-svm", "logistic-regression": "logreg"}


def list_classifiers() -> list[str]:
    """Return the names of all classifiers, the default first."""
    return list(RECIPES)


def classifier_name(name: str) -> str:
    """Return the proper name for a name or alias, whatever its case.

    Raises
    ------
    UsageError
        There is no such classifier.
    """
    lower = name.lower()
    proper = ALIASES.get(lower, lower)
    if proper not in RECIPES:
        raise UsageError(f"unknown classifier {name!r}; choose from {', '.join(RECIPES)}")
    return proper


def standardises(name: str, n_extractors: int = 1) -> bool:
    """Return whether features are standardised first, unless otherwise asked for.

    Those of several extractors side by side are: unscaled, the one with the largest numbers
    would drown the others.
    """
    return RECIPES[classifier_name(name)].scale or n_extractors > 1


def suited_params(name: str, n_rows: int) -> dict[str, Any]:
    """Return parameters that depend on how many rows a classifier is fitted to.

    A leaf of ``gradient-boosting`` has at least 20 rows, which is scikit-learn's choice, but no
    more than a tenth of all: below 40 rows there would be no split, and every clip would get
    the same scores.
    """
    if classifier_name(name) != "gradient-boosting":
        return {}
    return {"min_samples_leaf": min(20, max(1, n_rows // 10))}


def build_classifier(
    name: str,
    params: Mapping[str, Any],
    *,
    scale: bool | None,
    root: bool = False,
    widths: Sequence[int] = (),
    pca: int | None,
    seed: int,
    balance: bool = False,
    multi_label: bool = False,
) -> Any:
    """Return an unfitted scikit-learn Pipeline.

    Parameters
    ----------
    name : str
        A name or alias.
    params : mapping
        Parameters of the estimator, over the recipe's own.
    scale : bool or None
        Whether to standardise features first; None is the recipe's choice, and yes for `root`.
    root : bool
        Whether scaling is that of `RootScaler`.
    widths : sequence of int
        How many features each extractor gives, for `root`.
    pca : int or None
        Dimensions of a whitening PCA before the classifier; None for no PCA.
    seed : int
    balance : bool
        Whether labels weigh the same however many rows they have, where the classifier knows
        how to (``Recipe.weighted``).
    multi_label : bool
        Whether rows have any number of labels: then it is one classifier a label.

    Raises
    ------
    UsageError
        The classifier has no such parameter, or its scores would not be one a label; or roots
        are not to be scaled.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import Pipeline

    if root and scale is False:
        raise UsageError("--root is a way to scale features: give no --no-scale with it")
    name = classifier_name(name)
    recipe = RECIPES[name]
    usual = dict(recipe.params)
    if recipe.seeded:
        usual["random_state"] = seed
    if balance and recipe.weighted:
        usual["class_weight"] = "balanced"
    chosen = {**usual, **params}
    if chosen.get("decision_function_shape", "ovr") != "ovr":
        raise UsageError(
            f"--param decision_function_shape is {chosen['decision_function_shape']!r}, expected "
            "'ovr': scores here are one a label, not one a pair of labels"
        )
    try:
        estimator = recipe.build(**chosen)
    except TypeError as error:
        known = ", ".join(sorted(recipe.build().get_params()))
        wrong = ", ".join(sorted(params))
        raise UsageError(f"{name} does not take the parameters {wrong}; it has {known}") from error
    if multi_label:
        from sklearn.multiclass import OneVsRestClassifier

        estimator = OneVsRestClassifier(estimator)
    steps: list[tuple[str, Any]] = []
    if (root or standardises(name)) if scale is None else scale:
        steps.append(("scale", build_scaler(root, widths)))
    if pca is not None:
        steps.append(("pca", PCA(n_components=pca, whiten=True, random_state=seed)))
    return Pipeline([*steps, (name, estimator)])


def build_scaler(root: bool, widths: Sequence[int] = ()) -> Any:
    """Return an unfitted scaler: `RootScaler`, or one that standardises every feature."""
    from sklearn.preprocessing import StandardScaler

    from audiotl_cli.classify.root import RootScaler

    return RootScaler(tuple(widths)) if root else StandardScaler()
