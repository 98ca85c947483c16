from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score

from audiotl_cli.evaluation.metrics.average_precision import average_precision
from audiotl_cli.evaluation.outcomes import Outcomes
from tests.evaluation.scored import multi_scored

LABELS = ["ant", "bee", "cat"]


def test_counts_by_hand() -> None:
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]], bool)
    predicted = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]], bool)
    scores = multi_scored(truth, predicted, predicted * 0.5 + 0.2, LABELS)
    assert scores.accuracy == 0.5  # the third and the fourth
    assert scores.per_label["ant"]["f1"] == 1
    assert (scores.per_label["bee"]["precision"], scores.per_label["bee"]["recall"]) == (1, 0.5)
    assert scores.per_label["cat"]["n_clips"] == 0
    assert scores.metrics["micro_f1"] == 2 * 3 / (4 + 4)
    assert scores.metrics["macro_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert scores.metrics["balanced_accuracy"] == pytest.approx((1 + (0.5 + 1) / 2) / 2)
    assert scores.confusion.tolist() == [[2, 0, 1], [0, 1, 0], [0, 0, 0]]
    ranked = {label for label, row in scores.per_label.items() if "average_precision" in row}
    assert ranked == {"ant", "bee"}
    assert scores.metrics["mean_average_precision"] == pytest.approx((1 + 0.75) / 2)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30))
def test_average_precision_is_the_usual_one(pairs: list[tuple[bool, int]]) -> None:
    truth = np.array([truly for truly, _ in pairs] + [True])
    scores = np.array([value for _, value in pairs] + [2]) / 4
    expected = average_precision_score(truth, scores)
    both = np.stack([truth, truth], axis=1).astype(np.int8)
    found = average_precision(Outcomes(["a", "b"], both, both, np.stack([scores, scores], axis=1)))
    assert found == pytest.approx([expected, expected])


@given(st.integers(0, 1000))
def test_f1_is_the_usual_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.random((2, 12, 3)) < 0.4
    truth[0] = True
    scores = multi_scored(truth, predicted, predicted * 1.0, LABELS)
    for average, found in (
        ("micro", scores.metrics["micro_f1"]),
        ("macro", scores.metrics["macro_f1"]),
    ):
        assert found == pytest.approx(f1_score(truth, predicted, average=average, zero_division=0))
