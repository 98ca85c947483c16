from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.evaluation.label_errors import find_label_errors, find_multi_label_errors

LABELS = ["a", "b", "c"]


def told(
    seed: int, n_each: int = 30
) -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Make scores of a fair model: mostly right, never quite sure."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(3), n_each)
    heights = rng.normal(0, 0.7, (len(number), 3))
    heights[np.arange(len(number)), number] += 3
    powers = np.exp(heights)
    return [LABELS[i] for i in number], powers / powers.sum(axis=1, keepdims=True)


def test_planted_errors_come_first() -> None:
    truth, scores = told(0)
    planted = [3, 40, 77]
    for i in planted:
        truth[i] = LABELS[(LABELS.index(truth[i]) + 1) % 3]
    found = find_label_errors(truth, LABELS, scores)
    assert {error.clip for error in found[:3]} == set(planted)
    assert all(0.5 <= error.score <= 1 for error in found)
    assert [error.score for error in found] == sorted(
        (error.score for error in found), reverse=True
    )
    for error in found[:3]:
        assert error.suggested == LABELS[error.clip // 30]


def test_a_sure_and_right_model_doubts_nothing() -> None:
    assert find_label_errors(LABELS, LABELS, np.eye(3)) == []


def test_a_label_the_model_does_not_know_is_not_judged() -> None:
    truth, scores = told(1)
    truth[5] = "z"
    assert 5 not in [error.clip for error in find_label_errors(truth, LABELS, scores)]


def test_a_label_of_the_model_that_no_clip_has() -> None:
    truth, scores = told(2)
    wide = np.hstack([scores, np.zeros((len(scores), 1))])
    assert find_label_errors(truth, [*LABELS, "z"], wide) == find_label_errors(
        truth, LABELS, scores
    )


def test_labels_that_are_wrong_or_missing_among_several() -> None:
    truth = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [0, 1]])
    scores = np.array([[0.9, 0.1], [0.9, 0.9], [0.8, 0.9], [0.1, 0.9], [0.1, 0.9], [0.7, 0.05]])
    suggested = ["a", "a;b", "a;b", "b", "b", "a"]
    found = find_multi_label_errors(truth, scores, suggested)
    assert [(error.clip, error.suggested) for error in found] == [(5, "a"), (1, "a;b")]
    assert found[0].score == pytest.approx(1 - 0.05 / np.mean([0.9, 0.9, 0.9, 0.05]))
    assert found[1].score == 0.9
