from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.space import Setting, settings
from audiotl_cli.errors import UsageError

BASE = ClassifierOptions(classifier="knn", pooling="mean", seed=3)


def test_settings_begin_with_the_one_asked_for_and_differ() -> None:
    drawn = settings(20, BASE, voting=[(0,)], n_features=100)
    assert drawn[0] == Setting(BASE)
    assert len(drawn) == 20
    assert len({repr(setting) for setting in drawn}) == 20
    assert all(setting.options.seed == 3 for setting in drawn)


def test_settings_are_drawn_by_seed_simple_ones_first() -> None:
    assert settings(9, BASE) == settings(9, BASE)
    assert set(map(repr, settings(9, BASE))) < set(map(repr, settings(20, BASE)))
    assert settings(9, BASE) != settings(9, ClassifierOptions("knn", "mean", seed=4))
    kinds = [setting.complexity for setting in settings(40, BASE, [(0,), (0, 1)])[1:]]
    assert kinds == sorted(kinds)


@pytest.mark.parametrize(
    ("voting", "n_features", "expected"), [([], 0, 83), ([(0,)], 0, 87), ([(0,)], 65, 99)]
)
def test_how_many_settings_there_are(
    voting: list[tuple[int, ...]], n_features: int, expected: int
) -> None:
    assert len(settings(10_000, BASE, voting=voting, n_features=n_features)) == expected


def test_what_was_asked_for_is_kept() -> None:
    asked = ClassifierOptions("svm", "mean", pca=5, scale=False)
    drawn = settings(10_000, asked, n_features=1000)
    assert {setting.options.pca for setting in drawn} == {5}
    assert {setting.options.scale for setting in drawn[1:]} == {True}


def test_every_linear_svm_that_is_tried_leaves_its_intercepts_alone() -> None:
    rng = np.random.default_rng(0)
    one_in_ten = np.arange(40) < 4
    X = 0.1 * rng.standard_normal((40, 100))

    def intercept(**params: Any) -> float:
        fitted = LinearSVC(random_state=0, **{**params, "C": 0.003}).fit(X, one_in_ten)
        return float(fitted.intercept_[0])

    drawn = settings(10_000, BASE, voting=[(0,)], n_features=100)
    svms = [
        setting.options.params for setting in drawn if setting.options.classifier == "linear-svm"
    ]
    assert len(svms) > 30
    # weights next to nothing: 4 clips at 1 and 36 at -1 are fitted best by -0.8
    assert {round(intercept(**params), 1) for params in svms} == {-0.8}
    assert intercept() > -0.2


def test_settings_below_one() -> None:
    with pytest.raises(UsageError, match="--search is 0"):
        settings(0, BASE)
