from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from audiotl_cli.evaluation.metrics import LabelScore, confusion_matrix, score

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
    found = score(truth, predicted, LABELS, seed=0)
    present = sorted(set(truth))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    recalls = metrics.recall_score(truth, predicted, labels=present, average=None, zero_division=0)
    assert found.balanced_accuracy == pytest.approx(np.mean(recalls))
    f1 = metrics.f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    assert found.macro_f1 == pytest.approx(f1)
    expected = metrics.confusion_matrix(truth, predicted, labels=LABELS)
    np.testing.assert_array_equal(found.confusion, expected)
    columns = metrics.precision_recall_fscore_support(
        truth, predicted, labels=LABELS, zero_division=0
    )
    for label, precision, recall, label_f1, n_clips in zip(LABELS, *columns, strict=True):
        told = found.per_label[label]
        assert told.precision == pytest.approx(precision)
        assert told.recall == pytest.approx(recall)
        assert told.f1 == pytest.approx(label_f1)
        assert told.n_clips == n_clips


def test_worked_example() -> None:
    found = score(["a", "a", "a", "b"], ["a", "a", "b", "b"], ["a", "b", "c"], seed=0)
    assert found.accuracy == 0.75
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert found.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert found.per_label["c"] == LabelScore(0.0, 0.0, 0.0, 0)
    assert found.per_label["b"] == LabelScore(0.5, 1.0, 2 / 3, 1)
    assert found.labels == ["a", "b", "c"]


def test_confusion_matrix_has_truth_in_rows() -> None:
    assert confusion_matrix(["a"], ["b"], ["a", "b"]).tolist() == [[0, 1], [0, 0]]
