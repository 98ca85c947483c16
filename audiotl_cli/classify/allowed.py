"""What a model file may hold: exactly what the models that are made here hold."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, cast

import numpy as np

from audiotl_cli.classify.compiled import (
    DECISION_TREE,
    HGB,
    PREDICTOR,
    TREE,
    RefusedError,
    check_bins,
    check_boosting,
    check_claims,
    check_decision_tree,
    check_forest,
    check_neighbours,
    check_svm,
    check_tree,
    refuse,
)
from audiotl_cli.classify.outline import (
    ARRAY,
    DTYPE,
    NDARRAY,
    PIPELINE,
    Global,
    Made,
    Name,
    read_dtype,
)

SCALAR: Name = ("numpy._core.multiarray", "scalar")


def check(content: object) -> None:
    """Raise `RefusedError` unless an outline is that of a model.

    Every object is one of the list, is made as its own library makes it, and is filled with
    data alone, which nothing it defines is hidden by. Where compiled code would follow
    indexes without looking (trees, support vectors, neighbours), they are looked at here.
    """
    waiting: list[object] = [content]
    seen: dict[int, object] = {}
    while waiting:
        value = waiting.pop()
        if value is None or type(value) in (bool, int, float, str) or id(value) in seen:
            continue
        seen[id(value)] = value
        if isinstance(value, np.ndarray | np.number | np.bool_):
            continue
        if type(value) is list or type(value) is tuple:
            waiting += value
        elif type(value) is dict:
            refuse(any(type(key) not in (str, int, float) for key in value), "an odd key")
            waiting += value.values()
        elif isinstance(value, Made):
            waiting += _parts(value)
        else:
            raise RefusedError(f"{_say(value)} where there should be data")


def _parts(made: Made) -> Iterable[object]:
    """Return what an object is made of, once it was found to be made as it should."""
    if made.how == "new" and made.what in OBJECTS:
        return _object_parts(made)
    if made.how == "call" and made.what in CALLS:
        return CALLS[made.what](made)
    raise RefusedError(f"{_say(made)} made in another way than models are")


def _object_parts(made: Made) -> Iterable[object]:
    state = made.state if made.filled else {}
    refuse(made.args != () or type(state) is not dict, f"{_say(made)} in another form")
    module, name = cast(Name, made.what)
    kind = getattr(importlib.import_module(module), name)
    for key in state:
        odd = type(key) is not str or key.startswith("__") or callable(getattr(kind, key, None))
        refuse(odd or isinstance(getattr(kind, key, None), property), f"{_say(made)} with {key!r}")
    check_claims(state)
    examine = OBJECTS[made.what]  # type: ignore[index]
    if examine is not None:
        examine(state)
    return list(state.values())


def _say(value: object) -> str:
    what = value.what if isinstance(value, Made) else value
    if isinstance(what, Global):
        what = what.name
    return ".".join(what) if isinstance(what, tuple) else type(what).__name__


def _scalar(made: Made) -> Iterable[object]:
    args = made.args if type(made.args) is tuple else ()
    dtype = read_dtype(args[0]) if len(args) == 2 else None
    fits = dtype is not None and dtype.names is None and type(args[1]) is bytes
    fits = fits and len(args[1]) == dtype.itemsize  # type: ignore[union-attr]
    refuse(not fits or made.filled, "a number in another form")
    return []


def _dtype(made: Made) -> Iterable[object]:
    refuse(read_dtype(made) is None, "numbers of another type")
    return []


def _plain(made: Made) -> Iterable[object]:
    """Take a loss: made of numbers, never filled."""
    args = made.args
    refuse(type(args) is not tuple or made.filled, f"{_say(made)} in another form")
    refuse(any(type(one) not in (int, float) for one in args), f"{_say(made)} in another form")
    return []


def _of(*kinds: Name) -> Callable[[Made], Iterable[object]]:
    """Take a function of the classes named and of data."""

    def parts(made: Made) -> Iterable[object]:
        refuse(type(made.args) is not tuple, f"{_say(made)} in another form")
        data = [one for one in made.args if not isinstance(one, Global)]
        named = [one.name for one in made.args if isinstance(one, Global)]
        refuse(any(name not in kinds for name in named), f"{_say(made)} of something else")
        return [*data, made.state]

    return parts


_MT, _PCG = ("numpy.random._mt19937", "MT19937"), ("numpy.random._pcg64", "PCG64")
_SEED = ("numpy.random.bit_generator", "SeedSequence")
_LOSS = "sklearn._loss._loss"
_MULTINOMIAL = (_LOSS, "CyHalfMultinomialLoss")
_SGD = "sklearn.linear_model._sgd_fast"

OBJECTS: dict[Name, Callable[[dict[str, Any]], None] | None] = {
    ("audiotl_cli.classify.ensemble", "Average"): None,
    ("audiotl_cli.classify.prototype", "Prototype"): None,
    ("audiotl_cli.classify.root", "RootScaler"): None,
    ("sklearn._loss.link", "Interval"): None,
    ("sklearn._loss.link", "LogitLink"): None,
    ("sklearn._loss.link", "MultinomialLogit"): None,
    ("sklearn._loss.loss", "HalfBinomialLoss"): None,
    ("sklearn._loss.loss", "HalfMultinomialLoss"): None,
    ("sklearn.decomposition._pca", "PCA"): None,
    ("sklearn.ensemble._forest", "RandomForestClassifier"): check_forest,
    (f"{HGB}.binning", "_BinMapper"): check_bins,
    (f"{HGB}.gradient_boosting", "HistGradientBoostingClassifier"): check_boosting,
    PREDICTOR: None,  # by check_boosting
    ("sklearn.linear_model._logistic", "LogisticRegression"): None,
    ("sklearn.linear_model._stochastic_gradient", "SGDClassifier"): None,
    ("sklearn.multiclass", "OneVsRestClassifier"): None,
    ("sklearn.multiclass", "_ConstantPredictor"): None,
    ("sklearn.neighbors._classification", "KNeighborsClassifier"): check_neighbours,
    ("sklearn.neural_network._multilayer_perceptron", "MLPClassifier"): None,
    ("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer"): None,
    ("sklearn.neural_network._stochastic_optimizers", "SGDOptimizer"): None,
    PIPELINE: None,
    ("sklearn.preprocessing._data", "StandardScaler"): None,
    ("sklearn.preprocessing._label", "LabelBinarizer"): None,
    ("sklearn.preprocessing._label", "LabelEncoder"): None,
    ("sklearn.svm._classes", "LinearSVC"): None,
    ("sklearn.svm._classes", "SVC"): check_svm,
    DECISION_TREE: check_decision_tree,
}
"""What is made without a call and filled with named data."""

CALLS: dict[object, Callable[[Made], Iterable[object]]] = {
    DTYPE: _dtype,
    SCALAR: _scalar,
    TREE: check_tree,
    ("numpy.random._pickle", "__bit_generator_ctor"): _of(_MT, _PCG),
    ("numpy.random._pickle", "__generator_ctor"): _of(),
    ("numpy.random._pickle", "__randomstate_ctor"): _of(),
    ("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): _of(_SEED),
    (_LOSS, "__pyx_unpickle_CyHalfMultinomialLoss"): _of(_MULTINOMIAL),
    (_LOSS, "CyHalfBinomialLoss"): _plain,
    (_LOSS, "CyHalfSquaredError"): _plain,
    (_LOSS, "CyHuberLoss"): _plain,
    (_SGD, "EpsilonInsensitive"): _plain,
    (_SGD, "Hinge"): _plain,
    (_SGD, "ModifiedHuber"): _plain,
    (_SGD, "SquaredEpsilonInsensitive"): _plain,
    (_SGD, "SquaredHinge"): _plain,
}
"""What is called, each with the arguments it may have."""

NAMES: frozenset[object] = frozenset(
    {*OBJECTS, *CALLS, ARRAY, NDARRAY, _MT, _PCG, _SEED, _MULTINOMIAL}
)
"""All that may be looked up for a model."""
