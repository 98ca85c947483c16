from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from audiotl_cli.evaluation.metrics import LabelScore, accuracy_interval, confusion_matrix, score

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


def test_interval_holds_the_accuracy_and_repeats() -> None:
    low, high = accuracy_interval(80, 100, seed=5)
    assert low < 0.8 < high
    # 95 % of a binomial with 100 draws of 0.8 lie within 0.72 and 0.87
    assert low == pytest.approx(0.72, abs=0.011)
    assert high == pytest.approx(0.87, abs=0.011)
    assert accuracy_interval(80, 100, seed=5) == (low, high)
    answers = ["a"] * 80 + ["b"] * 20
    assert score(["a"] * 100, answers, ["a", "b"], seed=5).interval == (low, high)


def test_interval_narrows_with_more_clips() -> None:
    widths = []
    for n in (20, 200, 2000):
        low, high = accuracy_interval(n * 3 // 4, n, seed=0)
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


@pytest.mark.parametrize("n_clips", [1, 3, 10, 1000])
def test_interval_at_the_ends_is_the_exact_one(n_clips: int) -> None:
    low, high = accuracy_interval(n_clips, n_clips, seed=0)

    assert high == 1
    assert low**n_clips == pytest.approx(0.025)  # the chance of n right in a row
    exact = binomtest(n_clips, n_clips).proportion_ci(0.95, "exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    assert accuracy_interval(0, n_clips, seed=0) == pytest.approx((0, 1 - low))


def test_interval_covers_the_true_rate_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for seed, n_right in enumerate(rng.binomial(200, 0.7, 120)):
        low, high = accuracy_interval(int(n_right), 200, seed)
        covered += low <= 0.7 <= high
    assert 0.88 <= covered / 120 <= 0.99
