from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.evaluation.calibration import (
    measure_calibration,
    measure_multi_label_calibration,
)

LABELS = ["a", "b"]


def test_worked_example() -> None:
    scores = np.array([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.35, 0.65]])
    found = measure_calibration(["a", "b", "b", "b"], LABELS, scores)

    assert found is not None
    assert [(bin_.low, bin_.high, bin_.n_clips) for bin_ in found.bins] == [
        (0.6, 0.7, 2),
        (0.9, 1, 2),
    ]
    assert [bin_.accuracy for bin_ in found.bins] == [1.0, 0.5]
    assert found.ece == pytest.approx((0.35 + 0.45) / 2)
    assert found.brier == pytest.approx((2 * 0.05**2 + 2 * 0.95**2 + 2 * 0.35**2 + 2 * 0.35**2) / 4)


def test_probabilities_that_hold_have_hardly_an_error() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(20_000)
    truth = np.where(rng.random(20_000) < first, "a", "b").tolist()
    scores = np.stack([first, 1 - first], axis=1)
    found = measure_calibration(truth, LABELS, scores)
    assert found is not None
    assert found.ece < 0.01
    boastful = measure_calibration(truth, LABELS, np.round(scores))
    assert boastful is not None
    assert boastful.ece == pytest.approx(0.25, abs=0.01)


def test_sure_scores_belong_to_the_last_bin() -> None:
    found = measure_calibration(["a"], LABELS, np.array([[1.0, 0.0]]))
    assert found is not None
    assert (found.ece, found.brier, found.bins[0].high) == (0, 0, 1)


def test_a_label_the_model_does_not_know_is_missed() -> None:
    found = measure_calibration(["z"], LABELS, np.array([[1.0, 0.0]]))
    assert found is not None
    assert (found.ece, found.brier) == (1, 2)


def test_margins_are_no_probabilities() -> None:
    assert measure_calibration(["a"], LABELS, np.array([[3.0, -2.0]])) is None
    assert measure_calibration(["a"], LABELS, np.array([[0.9, 0.9]])) is None


def test_several_labels_are_judged_by_those_predicted() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0]])
    scores = np.array([[0.95, 0.2], [0.85, 0.65], [0.1, 0.65]])
    found = measure_multi_label_calibration(truth, scores, 0.5)
    assert found is not None
    assert [(bin_.low, bin_.n_clips, bin_.accuracy) for bin_ in found.bins] == [
        (0.6, 2, 0.5), (0.8, 1, 1.0), (0.9, 1, 1.0)
    ]  # fmt: skip
    assert found.ece == pytest.approx((2 * 0.15 + 0.15 + 0.05) / 4)
    assert found.brier == pytest.approx(((scores - truth) ** 2).sum() / 3)
    assert measure_multi_label_calibration(truth, scores / 2, 0.5) is None
