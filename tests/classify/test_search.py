from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.classify.classifier import ClassifierOptions
from audiotl_cli.classify.search import search, settings
from audiotl_cli.errors import UsageError
from tests.classify.problems import made_clips

BASE = ClassifierOptions(classifier="knn", pooling="mean", seed=3)


def halves(n: int) -> list[tuple[list[int], list[int]]]:
    first, second = list(range(n // 2)), list(range(n // 2, n))
    return [(first, second), (second, first)]


def test_settings_begin_with_the_one_asked_for_and_differ() -> None:
    drawn = settings(20, BASE)
    assert drawn[0] == BASE
    assert len(drawn) == 20
    shown = [(one.classifier, one.pooling, tuple(one.params.items())) for one in drawn]
    assert len(set(shown)) == 20
    assert all(one.seed == 3 for one in drawn)


def test_settings_are_drawn_by_seed_and_end_with_all() -> None:
    assert settings(9, BASE) == settings(20, BASE)[:9]
    assert settings(9, BASE) != settings(9, ClassifierOptions("knn", "mean", seed=4))
    assert len(settings(10_000, BASE)) == 55


def test_settings_below_one() -> None:
    with pytest.raises(UsageError, match="--search is 0"):
        settings(0, BASE)


def test_what_tells_labels_apart_wins() -> None:
    """Labels lie in the spread of frames, which the mean cannot see."""
    rng = np.random.default_rng(0)
    clips, truth = [], []
    for i in range(60):
        loud = i % 2
        clips.append([rng.normal(0, 3.0 if loud else 0.3, (40, 4)).astype(np.float32)])
        truth.append("loud" if loud else "soft")
    candidates = [ClassifierOptions("logreg", "mean"), ClassifierOptions("logreg", "mean+std")]
    n_fits = []
    tried = search(clips, truth, halves(60), candidates, lambda: n_fits.append(1))
    assert tried[0].options == candidates[1]
    assert tried[0].accuracy == 1.0
    assert tried[1].accuracy < 0.9
    assert len(n_fits) == 4
    assert tried[0].as_json()["accuracies"] == [1.0, 1.0]


def test_of_equals_the_one_named_first() -> None:
    clips, truth = made_clips()
    candidates = [ClassifierOptions(name, "mean") for name in ("svm", "logreg", "knn")]
    tried = search(clips, truth, halves(len(clips)), candidates)
    assert [one.accuracy for one in tried] == [1.0, 1.0, 1.0]
    assert [one.options for one in tried] == candidates


def test_a_setting_that_cannot_be_fitted_is_an_error() -> None:
    clips, truth = made_clips()
    bad = ClassifierOptions("logreg", "mean", params={"C": -1.0})
    with pytest.raises(UsageError, match="logreg cannot be fitted"):
        search(clips, truth, halves(len(clips)), [bad])
