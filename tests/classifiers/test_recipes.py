"""What holds for every classifier; a new recipe is tested by being in the folder."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnxruntime
import pytest

from audiotl_cli.classifiers.calibration import fit_calibrator
from audiotl_cli.classifiers.checks import DamagedError
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_file import dump_model, load_model_file
from audiotl_cli.classifiers.onnx_form import add_classifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.parts import Array, State
from audiotl_cli.classifiers.pipeline import Fitted
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.classifiers.registry import find_recipe, list_classifiers
from audiotl_cli.classifiers.rejection import Rejection, fit_label_distances
from audiotl_cli.classifiers.scoring import row_labels
from audiotl_cli.classifiers.training import fit_quietly
from audiotl_cli.classifiers.unfitted import build_classifier
from audiotl_cli.errors import ArtifactError
from audiotl_cli.graph import Graph
from tests.classifiers.problems import made_clips
from tests.classifiers.test_classifier import QUICK
from tests.classifiers.test_model_file import CARD

pytestmark = pytest.mark.filterwarnings("ignore")

NAMES = list_classifiers()
N_FEATURES = 12


def close(found: Any, expected: Any, rtol: float = 0.0) -> None:
    """Compare scores; margins, which may be large, to five digits as well."""
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-6)


@cache
def rows(n_labels: int, seed: int = 0) -> tuple[Array, Array]:
    """Return rows between labels, and their labels."""
    rng = np.random.default_rng(seed)
    y = np.arange(60) % n_labels
    centres = 2 * np.eye(N_FEATURES)[:n_labels]
    X = centres[y] + rng.normal(0, 1, (len(y), N_FEATURES))
    return X.astype(np.float32), y


@cache
def fitted(name: str, n_labels: int) -> tuple[Recipe, Any, State]:
    recipe = find_recipe(name)
    params = {**QUICK.get(name, {}), **recipe.suited_params(60)}
    _, estimator = build_classifier(
        ClassifierOptions(name, scale=False, params=params, seed=1)
    ).steps[-1]
    estimator.fit(*rows(n_labels))
    state = recipe.to_state(estimator)
    return recipe, estimator, state


@pytest.mark.parametrize("n_labels", [2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_scikit_learn(name: str, n_labels: int) -> None:
    recipe, estimator, state = fitted(name, n_labels)
    X, _ = rows(n_labels, seed=1)
    recipe.check(state, N_FEATURES, n_labels)
    given = recipe.outputs(state, X)
    assert given.probabilities is not None or given.margins is not None
    if given.probabilities is not None and hasattr(estimator, "predict_proba"):
        close(given.probabilities, estimator.predict_proba(X))
    if given.margins is not None:
        expected = np.reshape(estimator.decision_function(X), given.margins.shape)
        close(given.margins, expected, rtol=1e-5)
    if hasattr(estimator, "predict"):
        np.testing.assert_array_equal(row_labels(given), estimator.predict(X))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_prototypes_are_means(metric: str) -> None:
    recipe = find_recipe("prototype")
    X, y = rows(3)
    state = recipe.to_state(recipe.build({"metric": metric}).fit(X, y))
    X, known = X.astype(np.float64), X.astype(np.float64)
    if metric == "cosine":
        X = known = X / np.linalg.norm(X, axis=1, keepdims=True)
    means = np.stack([known[y == label].mean(axis=0) for label in range(3)])
    if metric == "cosine":
        near = X @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
    else:
        squares = ((X[:, None, :] - means) ** 2).sum(axis=2)
        near = -squares / (2 * (X**2).sum(axis=1).mean())
    powers = np.exp(10 * near)
    expected = powers / powers.sum(axis=1, keepdims=True)
    found = recipe.outputs(state, rows(3)[0]).probabilities
    close(found, expected)


OTHERS: list[tuple[str, dict[str, Any]]] = [
    *(("svm", {"kernel": kernel}) for kernel in ("linear", "poly", "sigmoid")),
    ("svm", {"break_ties": True}),
    *(("mlp", {"activation": how}) for how in ("identity", "logistic", "tanh")),
    ("mlp", {"hidden_layer_sizes": (7, 5)}),
    ("knn", {"metric": "euclidean", "n_neighbors": 4}),
    ("knn", {"metric": "manhattan", "n_neighbors": 3, "weights": "distance"}),
    ("knn", {"metric": "minkowski", "p": 3, "n_neighbors": 3}),
    ("knn", {"n_neighbors": 5, "weights": "distance"}),
    ("perceptron", {"loss": "modified_huber"}),
    ("perceptron", {"loss": "hinge"}),
    ("logreg", {"fit_intercept": False}),
    ("linear-svm", {"fit_intercept": False}),
    ("random-forest", {"max_depth": 3, "n_estimators": 7}),
    ("gradient-boosting", {"max_iter": 4, "early_stopping": True, "min_samples_leaf": 3}),
]


@pytest.mark.parametrize("n_labels", [2, 4])
@pytest.mark.parametrize(("name", "params"), OTHERS)
def test_other_parameters(name: str, params: dict[str, Any], n_labels: int) -> None:
    recipe = find_recipe(name)
    estimator = recipe.build({**recipe.params, **params}).fit(*rows(n_labels))
    state = recipe.to_state(estimator)
    recipe.check(state, N_FEATURES, n_labels)
    X, _ = rows(n_labels, seed=1)
    given = recipe.outputs(state, X)
    if given.probabilities is not None:
        close(given.probabilities, estimator.predict_proba(X))
    else:
        assert given.margins is not None
        expected = np.reshape(estimator.decision_function(X), given.margins.shape)
        close(given.margins, expected, rtol=1e-5)
    np.testing.assert_array_equal(row_labels(given), estimator.predict(X))


@pytest.mark.parametrize("name", NAMES)
def test_one_classifier_a_label_is_that_of_scikit_learn(name: str) -> None:
    clips, kinds = made_clips(12)
    labels = [f"{kind};{'big' if i % 2 else 'all'}" for i, kind in enumerate(kinds)]
    labels = [f"{text};everywhere" for text in labels]
    params = QUICK.get(name, {})
    options = ClassifierOptions(
        name, pooling="mean", scale=False, multi_label=True, params=params, seed=1
    )
    model = fit_quietly(clips, labels, options)
    X = np.concatenate([clip[0].mean(axis=0, dtype=np.float64)[None] for clip in clips])
    X = X.astype(np.float32)
    y = np.array([[name in text.split(";") for name in model.labels] for text in labels], int)
    suited = {**find_recipe(name).suited_params(len(X)), **params}
    unfitted = build_classifier(replace(options, params=suited))
    expected = unfitted.steps[-1][1].fit(X, y)
    given = model.pipeline.outputs(X)
    if name == "prototype":
        assert (given.probabilities[:, model.labels.index("everywhere")] == 1).all()  # type: ignore[index]
    elif given.probabilities is not None:
        close(given.probabilities, expected.predict_proba(X))
    else:
        close(given.margins, expected.decision_function(X))


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_taken_where_the_recipe_says_so(name: str) -> None:
    recipe = find_recipe(name)
    _, estimator = build_classifier(ClassifierOptions(name, scale=False, balance=True)).steps[-1]
    params = estimator.get_params()
    assert (params.get("class_weight") == "balanced") == recipe.class_weights
    assert ("random_state" in params) == recipe.seeded
    if recipe.streams:
        streaming = recipe.build_streaming({}, 0, 100)
        X, y = rows(3)
        for _ in range(2):
            streaming.partial_fit(X, y, classes=np.arange(3))
        recipe.check(recipe.to_state(streaming), N_FEATURES, 3)


@cache
def whole(name: str, *, multi_label: bool) -> tuple[ClipClassifier, Any]:
    """Return a model with everything a model may have, and its card."""
    clips, truth = made_clips(8)
    if multi_label:
        truth = [f"{label};zebra" if label != "ant" else label for label in truth]
    params = QUICK.get(name, {})
    options = ClassifierOptions(name, params=params, multi_label=multi_label, pca=4)
    model = fit_quietly(clips, truth, options)
    if not multi_label:
        scores = model.scores(clips)
        places = np.array([model.labels.index(label) for label in truth])
        calibrator = fit_calibrator("isotonic", scores, places)
        distances = fit_label_distances(clips, truth)
        confidence = np.sort(calibrator.apply(scores).max(axis=1))
        known = np.sort(distances.scores(clips))
        model = replace(
            model,
            calibrator=calibrator,
            rejection=Rejection(distances, confidence, known, 0.3),
        )
    card = replace(
        CARD,
        classifier=name,
        labels=model.labels,
        multi_label=multi_label,
        calibration=asdict(model.calibrator) if model.calibrator else None,
        trained_on=["00000000000000ff", "fedcba9876543210"],
    )
    return model, card


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_saving_changes_nothing(tmp_path: Path, name: str, multi_label: bool) -> None:
    model, card = whole(name, multi_label=multi_label)
    packed = dump_model(model, card)
    whole.cache_clear()
    assert dump_model(*whole(name, multi_label=multi_label)) == packed  # fitted anew
    path = tmp_path / "m.joblib"
    path.write_bytes(packed)
    again, found = load_model_file(path)
    assert found == card
    clips = made_clips(20, seed=5)[0]
    scores = model.scores(clips)
    np.testing.assert_array_equal(again.scores(clips), scores)
    np.testing.assert_array_equal(again.rejects(clips, scores), model.rejects(clips, scores))
    assert again.predict(clips) == model.predict(clips)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_holds_plain_values_and_arrays(tmp_path: Path, name: str) -> None:
    path = tmp_path / "m.joblib"
    path.write_bytes(dump_model(*whole(name, multi_label=False)))

    def walk(value: Any) -> Iterator[type]:
        yield type(value)
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list):
            for part in inner:
                yield from walk(part)
        if isinstance(value, np.ndarray):
            assert value.dtype.kind in "fiu"

    kinds = set(walk(joblib.load(path)))
    assert kinds <= {dict, list, str, int, float, bool, type(None), np.ndarray}


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_onnx_form_predicts_the_same(name: str, multi_label: bool) -> None:
    model, _ = whole(name, multi_label=multi_label)
    graph = Graph()
    frames = graph.input("frames", np.float32, ["n", 6])
    add_classifier(graph, model, [frames])
    session = onnxruntime.InferenceSession(graph.model({}))
    clips = made_clips(20, seed=5)[0]
    expected = model.scores(clips)
    found = [session.run(None, {"frames": clip[0]}) for clip in clips]
    np.testing.assert_allclose(
        np.stack([scores_of_clip for scores_of_clip, _ in found]), expected, rtol=0, atol=1e-5
    )
    assert [bool(rejected) for _, rejected in found] == list(model.rejects(clips, expected))


def damages(state: State) -> Iterator[tuple[str, State]]:
    """Yield states of which something is wrong, and what."""
    arrays, params = dict(state.arrays), dict(state.params)
    for name, array in arrays.items():
        filled = (
            {"a hole": np.nan, "infinite": np.inf}
            if array.dtype.kind == "f"
            else {"far too large": 2**30} | ({"below 0": -1} if array.dtype.kind == "i" else {})
        )
        wrong: dict[str, Array] = {
            "cut": array[:-1],
            "longer": np.concatenate([array, array[-1:]]),
            "deeper": array[None],
            "complex": array.astype(np.complex128),
            "truth": array.astype(bool),
            "objects": array.astype(object),
            "texts": array.astype(str),
            "empty": array[:0],
            "swapped": array.astype(array.dtype.newbyteorder(">")),
        }
        if array.ndim == 2:
            wrong["narrow"] = array[:, :-1]
        for what, value in filled.items():
            for place in (0, -1):
                wrong[f"{what} at {place}"] = np.array(array)
                wrong[f"{what} at {place}"].flat[place] = value
        for what, other in wrong.items():
            yield f"{name}: {what}", State({**arrays, name: other}, params)
        yield f"no {name}", State({n: a for n, a in arrays.items() if n != name}, params)
    yield "one more array", State({**arrays, "more": np.zeros(3)}, params)
    unlikely: list[Any] = [None, float("nan"), [], {"a": 1}, "eval", -(2**40), 10**30]
    for name in params:
        for said in unlikely:
            yield f"{name} is {said!r}", State(arrays, {**params, name: said})
        yield f"no {name}", State(arrays, {n: p for n, p in params.items() if n != name})


HARMLESS = {  # still a model, of other numbers
    "coef0 is -1099511627776",
    "sharpness is -1099511627776",
    "coef0 is 1000000000000000000000000000000",
    "sharpness is 1000000000000000000000000000000",
    "gamma is 1000000000000000000000000000000",
    "length is 1000000000000000000000000000000",
}


def refusal(recipe: Recipe, state: State, n_features: int, n_labels: int) -> str:
    """Return why a state is refused; empty if it is not."""
    try:
        recipe.check(state, n_features, n_labels)
    except DamagedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_damaged_arrays_are_refused(name: str, n_labels: int) -> None:
    recipe, _, state = fitted(name, n_labels)
    found = {
        what: refusal(recipe, damaged, N_FEATURES, n_labels) for what, damaged in damages(state)
    }
    assert len(found) > 20
    assert {what for what, message in found.items() if not message} <= HARMLESS
    assert all(len(message.splitlines()) < 2 and len(message) < 400 for message in found.values())
    assert refusal(recipe, state, N_FEATURES, n_labels + 1)
    if name not in ("random-forest", "gradient-boosting"):  # they need not ask for every feature
        assert refusal(recipe, state, N_FEATURES + 1, n_labels)


@pytest.mark.parametrize("name", ["random-forest", "gradient-boosting"])
def test_trees_that_do_not_end_are_refused(name: str) -> None:
    recipe, _, state = fitted(name, 3)
    left = state.arrays["left"]
    first = state.arrays["first_node"]
    inner = int(np.flatnonzero(left != np.arange(len(left)))[1])

    def change(what: str, place: int, value: int) -> State:
        array = np.array(state.arrays[what])
        array[place] = value
        return State({**state.arrays, what: array}, state.params)

    for damaged, message in [
        (change("left", inner, 0), "a child comes before its parent"),
        (change("left", inner, inner), "one child"),
        (change("right", inner, int(left[inner])), "no parent, or more than one"),
        (change("right", 0, int(first[1])), "another tree"),
        (change("first_node", 1, 0), "one after the other"),
    ]:
        with pytest.raises(DamagedError, match=message):
            recipe.check(damaged, N_FEATURES, 3)


def test_a_tree_too_deep_is_refused() -> None:
    recipe, _, _ = fitted("gradient-boosting", 2)
    n = 100_001
    own = np.arange(n, dtype=np.int32)
    odd = own % 2 == 0
    left = np.where(odd & (own < n - 1), own + 1, own).astype(np.int32)
    right = np.where(odd & (own < n - 1), own + 2, own).astype(np.int32)
    arrays: dict[str, Array] = {
        "feature": np.zeros(n, np.int32),
        "threshold": np.zeros(n),
        "left": left,
        "right": right,
        "first_node": np.zeros(1, np.int64),
        "value": np.zeros(n),
        "base": np.zeros(1),
    }
    with pytest.raises(DamagedError, match="deeper than 1000"):
        recipe.check(State(arrays), N_FEATURES, 2)


ASK = """
import sys
from pathlib import Path
import numpy as np
from audiotl_cli.classifiers.model_file import load_model_file
for name in sys.argv[1:]:
    model, _ = load_model_file(Path(name))
    clips = [[np.full((3, 6), value, np.float32)] for value in (0.0, 1.0, 3.0)]
    scores = model.scores(clips)
    model.rejects(clips, scores)
    model.predict(clips)
print(sorted({"sklearn", "scipy", "joblib", "onnx"} & set(sys.modules)))
"""


def test_predicting_imports_no_scikit_learn(tmp_path: Path) -> None:
    files = []
    for name in NAMES:
        for multi_label in (False, True):
            files.append(tmp_path / f"{name}-{multi_label}.joblib")
            files[-1].write_bytes(dump_model(*whole(name, multi_label=multi_label)))
    command = [sys.executable, "-c", ASK, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_listing_them_imports_nothing_heavy() -> None:
    code = (
        "import sys; from audiotl_cli.classifiers.registry import list_classifiers; "
        "print(len(list_classifiers()), {'sklearn', 'scipy', 'joblib', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(NAMES)} set()\n"


def test_arrays_are_predicted_as_clips_are() -> None:
    clips, truth = made_clips(8)
    model = fit_quietly(clips, truth, ClassifierOptions("logreg", pooling="mean"))
    X = np.concatenate([clip[0].mean(axis=0, dtype=np.float64)[None] for clip in clips])
    X = X.astype(np.float32)
    np.testing.assert_array_equal(model.predict_proba(X), model.scores(clips))
    assert model.predict(X) == model.predict(clips)
    assert model.decision_function(X).shape == (24, 3)
    forest = fit_quietly(clips, truth, ClassifierOptions("random-forest", pooling="mean"))
    with pytest.raises(AttributeError, match="gives probabilities, not margins"):
        forest.decision_function(X)


def test_numbers_that_lead_to_no_score_are_refused() -> None:
    clips, truth = made_clips(8)
    model = fit_quietly(clips, truth, ClassifierOptions("logreg", scale=False))
    head = model.pipeline.head
    assert isinstance(head, Fitted)
    coef = np.full(head.state.arrays["coef"].shape, 1e308)
    state = State({**head.state.arrays, "coef": coef}, head.state.params)
    wild = replace(model, pipeline=replace(model.pipeline, head=Fitted(head.recipe, state)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ArtifactError, match="not finite"):
            wild.scores(clips)
