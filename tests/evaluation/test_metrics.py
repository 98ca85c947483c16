from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from tests.evaluation.scored import scored

LABELS = ["a", "b", "c", "d"]


def random_answers(seed: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    truth = rng.choice(LABELS, n, p=[0.5, 0.3, 0.2, 0.0] if seed % 2 else [0.25] * 4)
    wrong = rng.choice(LABELS[: 1 + seed % 4], n)
    return truth.tolist(), np.where(rng.random(n) < 0.6, truth, wrong).tolist()


@pytest.mark.parametrize("seed", range(12))
def test_agrees_with_scikit_learn(seed: int) -> None:
    truth, predicted = random_answers(seed)
    found = scored(truth, predicted, LABELS)
    present = sorted(set(truth))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    recalls = metrics.recall_score(truth, predicted, labels=present, average=None, zero_division=0)
    assert found.metrics["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    f1 = metrics.f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    assert found.metrics["macro_f1"] == pytest.approx(f1)
    expected = metrics.confusion_matrix(truth, predicted, labels=LABELS)
    np.testing.assert_array_equal(found.confusion, expected)
    columns = metrics.precision_recall_fscore_support(
        truth, predicted, labels=LABELS, zero_division=0
    )
    for label, precision, recall, label_f1, n_clips in zip(LABELS, *columns, strict=True):
        row = found.per_label[label]
        assert row["precision"] == pytest.approx(precision)
        assert row["recall"] == pytest.approx(recall)
        assert row["f1"] == pytest.approx(label_f1)
        assert row["n_clips"] == n_clips


def test_worked_example() -> None:
    found = scored(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["a", "b", "c"])
    assert found.accuracy == 0.75
    assert found.metrics["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found.metrics["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert found.per_label["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "n_clips": 0}
    assert found.per_label["b"] == {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "n_clips": 1}
    assert found.labels == ["a", "b", "c"]


def test_confusion_matrix_has_truth_in_rows() -> None:
    assert scored(["a"], ["b"], ["a", "b"]).confusion.tolist() == [[0, 1], [0, 0]]
