"""Files of nothing but allowed classes, whose numbers do not fit together.

Each is handed to `predict` in a process of its own kind, which must say no, and live.
"""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.classify.artifact import dump_model
from audiotl_cli.classify.exported.skops import dump_skops
from tests.classify.test_artifact import CARD, fitted

Change = Callable[[Any], None]

ASK = """
import sys
import numpy as np
from pathlib import Path
from audiotl_cli.classify.artifact import load_model_file
from audiotl_cli.errors import ArtifactError
for name in sys.argv[1:]:
    print(Path(name).name, end=": ", flush=True)
    try:
        model, _ = load_model_file(Path(name))
        model.scores([[np.ones((3, 6), np.float32)]] * 40)
        print("PREDICTED", flush=True)
    except ArtifactError as error:
        print("refused", "\\n" not in str(error), str(error).startswith(name), flush=True)
"""


def put(name: str, value: Any) -> Change:
    return lambda estimator: setattr(estimator, name, value)


def cut(name: str) -> Change:
    return lambda estimator: setattr(estimator, name, getattr(estimator, name)[:-1])


def fill(name: str, value: float) -> Change:
    """Set the last number of an array."""

    def change(estimator: Any) -> None:
        array = np.array(getattr(estimator, name))
        array.flat[-1] = value
        setattr(estimator, name, array)

    return change


def node(field: str, value: int) -> Change:
    """Set a field of the first node of the first boosted tree."""

    def change(estimator: Any) -> None:
        estimator._predictors[0][0].nodes[field][0] = value

    return change


DAMAGES: dict[str, dict[str, Change]] = {
    "svm": {
        "fewer vectors": cut("support_vectors_"),
        "more vectors claimed": fill("_n_support", 10**6),
        "fewer than none": fill("_n_support", -5),
        "weights of fewer": lambda one: setattr(one, "_dual_coef_", one._dual_coef_[:, :-1]),
        "no weights": put("_dual_coef_", np.zeros((0, 0))),
        "fewer intercepts": cut("_intercept_"),
        "half of a calibration": put("_probA", np.ones(1)),
        "fewer labels": cut("classes_"),
        "a kernel of its own": put("kernel", "precomputed"),
        "other features": put("n_features_in_", 10**6),
        "another machine": put("_impl", "one_class"),
        "another shape": put("shape_fit_", (10, 10**9)),
    },
    "knn": {
        "a label out of range": fill("_y", 10**8),
        "a label below 0": fill("_y", -1),
        "fewer rows": cut("_fit_X"),
        "narrow rows": lambda one: setattr(one, "_fit_X", one._fit_X[:, :-1]),
        "more neighbours than rows": put("n_neighbors", 2**40),
        "fewer labels": cut("classes_"),
        "a tree": put("_fit_method", "kd_tree"),
        "distances of its own": put("metric", "precomputed"),
        "a million threads": put("n_jobs", 10**6),
        "more rows claimed": put("n_samples_fit_", 10**9),
    },
    "mlp": {
        "a layer less": cut("coefs_"),
        "a narrow layer": lambda one: put("coefs_", [one.coefs_[0][:, :-1], *one.coefs_[1:]])(one),
        "intercepts of another": cut("intercepts_"),
        "more layers claimed": put("n_layers_", 10**6),
        "an activation of its own": put("activation", "eval"),
        "more features claimed": put("n_features_in_", 10**10),
        "no numbers": put("coefs_", ["a", "b"]),
    },
    "gradient-boosting": {
        "a feature out of range": node("feature_idx", 10**8),
        "a feature below 0": node("feature_idx", -1),
        "a child out of range": node("left", 10**8),
        "a child that is itself": node("right", 0),
        "a leaf that is none": lambda one: one._predictors[0][0].nodes["is_leaf"].fill(0),
        "a category": node("is_categorical", 1),
        "more trees claimed": put("n_trees_per_iteration_", 10**11),
        "fewer trees": lambda one: one._predictors[-1].pop(),
        "no trees": lambda one: one._predictors[-1].clear(),
        "another base": put("_baseline_prediction", np.zeros((1, 7))),
    },
    "random-forest": {
        "more labels claimed": put("n_classes_", 10**12),
        "more outputs claimed": put("n_outputs_", 10**6),
        "other features": put("n_features_in_", 5),
        "a million threads": put("n_jobs", -(10**6)),
    },
    "logreg": {
        "fewer labels": cut("coef_"),
        "narrow": lambda one: setattr(one, "coef_", one.coef_[:, :-1]),
        "more features claimed": put("n_features_in_", 10**10),
    },
    "perceptron": {"fewer labels": cut("coef_")},
    "linear-svm": {"narrow": lambda one: setattr(one, "coef_", one.coef_[:, :-1])},
    "prototype": {"fewer means": cut("means_"), "a metric": put("means_", np.zeros((3, 5)))},
}


@pytest.mark.parametrize("form", ["joblib", "skops"])
def test_what_does_not_fit_together_is_refused(tmp_path: Path, form: str) -> None:
    dump = dump_model if form == "joblib" else dump_skops
    files = []
    for name, damages in DAMAGES.items():
        whole = fitted(name)
        for what, change in damages.items():
            model = copy.deepcopy(whole)
            change(model.pipeline.steps[-1][1])
            files.append(tmp_path / f"{name}, {what}.{form}")
            files[-1].write_bytes(dump(model, CARD))
    (tmp_path / f"whole.{form}").write_bytes(dump(fitted("svm"), CARD))

    done = subprocess.run(
        [sys.executable, "-c", ASK, *map(str, files), str(tmp_path / f"whole.{form}")],
        capture_output=True,
        text=True,
        check=False,
    )

    told = done.stdout.splitlines()
    assert done.returncode == 0, (told[-1:], done.stderr[-2000:])
    wrong = [line for line in told[:-1] if not line.endswith(": refused True True")]
    assert wrong == []
    assert len(told) == len(files) + 1
    assert told[-1] == f"whole.{form}: PREDICTED"
