from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audiotl_cli.classifiers.names import built_in_names
from audiotl_cli.classifiers.options import DEFAULT_CLASSIFIER
from audiotl_cli.classifiers.registry import list_classifiers, registered, table
from tests.conftest import REPOSITORY

TOY = '''
"""Predict the label whose clips are most alike in size."""

import numpy as np

from audiotl_cli.classifiers.checks import expect_names, floats
from audiotl_cli.classifiers.parts import Outputs, State
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.classifiers.scoring import softmax


class Sizes:
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.sizes_ = np.array([np.abs(X[y == label]).mean() for label in self.classes_])
        return self

    def get_params(self, deep=True):
        return {}


class SizesRecipe(Recipe):
    name = "sizes"
    summary = "Nearest size"
    place = 90
    seeded = class_weights = False

    def build(self, params):
        return Sizes(**params)

    def to_state(self, estimator):
        return State({"sizes": estimator.sizes_})

    def check(self, state, n_features, n_labels):
        expect_names(state, ["sizes"])
        floats(state, "sizes", n_labels)

    def outputs(self, state, X):
        away = np.abs(np.abs(X).mean(axis=1, keepdims=True) - state.arrays["sizes"])
        return Outputs(softmax(-away))

    def add_outputs(self, graph, state, x):
        raise NotImplementedError


RECIPE = SizesRecipe()
'''

USE = """
import sys
import numpy as np
from pathlib import Path
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.registry import list_classifiers
print(list_classifiers()[-1])
clips = [[np.full((2, 6), size, np.float32)] for size in (1, 9, 1, 9)]
if sys.argv[1] == "train":
    from dataclasses import replace
    from audiotl_cli.classifiers.model_file import dump_model
    from audiotl_cli.classifiers.training import fit_classifier
    from tests.classifiers.test_model_file import CARD
    model = fit_classifier(clips, ["small", "large"] * 2, ClassifierOptions("sizes"))
    card = replace(CARD, classifier="sizes", labels=model.labels)
    Path(sys.argv[2]).write_bytes(dump_model(model, card))
else:
    from audiotl_cli.classifiers.model_file import load_model_file
    model, _ = load_model_file(Path(sys.argv[2]))
    print(model.predict(clips[:2]), {"sklearn", "joblib"} & set(sys.modules))
"""


def test_every_file_is_named_as_its_classifier() -> None:
    assert sorted(registered()) == built_in_names()
    assert list_classifiers()[0] == DEFAULT_CLASSIFIER


def test_the_readme_has_the_table_of_all_classifiers() -> None:
    assert table() in (REPOSITORY / "README.md").read_text()


def test_no_two_have_a_name_in_common() -> None:
    names = [name for recipe in registered().values() for name in (recipe.name, *recipe.aliases)]
    assert len(set(names)) == len(names)


@pytest.fixture
def plugin(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which another package has a classifier."""
    (tmp_path / "sizes_recipe.py").write_text(TOY)
    about = tmp_path / "sizes-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: sizes\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[audiotl.classifiers]\nsizes = sizes_recipe:RECIPE\n")
    return {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"}


def ask(environment: dict[str, str], *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", USE, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_another_package_adds_a_classifier_with_one_file(
    tmp_path: Path, plugin: dict[str, str]
) -> None:
    trained = ask(plugin, "train", tmp_path / "m.joblib")
    assert (trained.stdout, trained.returncode) == ("sizes\n", 0), trained.stderr
    predicted = ask(plugin, "predict", tmp_path / "m.joblib")
    assert predicted.stdout == "sizes\n['small', 'large'] set()\n", predicted.stderr
    without = ask(dict(os.environ), "predict", tmp_path / "m.joblib")
    assert "the classifier 'sizes', which is not installed" in without.stderr


def test_a_plugin_that_is_no_recipe_is_named(tmp_path: Path, plugin: dict[str, str]) -> None:
    (tmp_path / "sizes_recipe.py").write_text("RECIPE = 3")
    failed = ask(plugin, "train", tmp_path / "m.joblib")
    assert "the classifier 'sizes' (sizes_recipe:RECIPE) cannot be loaded: it is 3" in failed.stderr
