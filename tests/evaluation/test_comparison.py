from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from audiotl_cli.evaluation.comparison import compare, holm, sign_flip_p_value


def answers(
    n_both: int, only_a: int, only_b: int
) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    a = np.repeat([True, True, False], [n_both, only_a, only_b])
    b = np.repeat([True, False, True], [n_both, only_a, only_b])
    return [a, b]


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_clips_by_themselves_are_mcnemars_test(only_a: int, only_b: int) -> None:
    found = sign_flip_p_value(np.repeat([-1, 0, 1], [only_a, 3, only_b]))
    n = only_a + only_b
    assert found == pytest.approx(binomtest(only_a, n).pvalue if n else 1.0)


def test_groups_are_flipped_whole() -> None:
    # ten clips, but two groups: of four ways to turn them, two are as far from zero
    assert sign_flip_p_value(np.array([5, 5])) == 0.5
    assert sign_flip_p_value(np.array([3, 2, 1])) == pytest.approx(2 / 8)
    assert sign_flip_p_value(np.array([3, -2, 1])) == pytest.approx(6 / 8)


def test_a_better_model_is_named() -> None:
    (found,) = compare(["a", "b"], answers(80, 1, 15), np.arange(96), seed=0)

    assert found.verdict.startswith(
        "b is better: of 96 clips, only a predicts 1 rightly, only b 15"
    )
    assert found.difference == pytest.approx(14 / 96)
    assert 0 < found.interval[0] < found.difference < found.interval[1]
    assert found.p_value == pytest.approx(binomtest(1, 16).pvalue)
    assert found.test == "exact McNemar"
    (turned,) = compare(["b", "a"], answers(80, 1, 15)[::-1], np.arange(96), seed=0)
    assert turned.verdict.startswith("b is better")
    assert turned.difference == -found.difference


def test_what_is_not_shown_is_said() -> None:
    (found,) = compare(["a", "b"], answers(80, 3, 5), np.arange(88), seed=0)
    assert found.verdict.startswith("no difference shown")
    (same,) = compare(["a", "b"], answers(8, 0, 0), np.arange(8), seed=0)
    assert (same.difference, same.p_value, same.interval) == (0, 1, (0, 0))


def test_what_clips_show_few_groups_may_not() -> None:
    right = answers(80, 0, 16)
    units = np.concatenate([np.arange(80), np.repeat([80, 81], 8)])
    (found,) = compare(["a", "b"], right, units, seed=0)
    assert found.p_value == 0.5
    assert found.test == "exact sign flips of groups"
    assert found.verdict.startswith("no difference shown")


def test_several_models_pay_for_being_several() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    right = [*answers(80, 2, 12), answers(80, 2, 12)[1]]
    found = compare(["a", "b", "c"], right, np.arange(94), seed=0)
    assert [comparison.b for comparison in found] == ["b", "c"]
    assert found[0].p_value == pytest.approx(2 * binomtest(2, 14).pvalue)


def test_two_equal_models_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(0)
    wrong = 0
    for seed in range(200):
        right = [rng.random(80) < 0.8 for _ in range(2)]
        (found,) = compare(["a", "b"], right, np.arange(80), seed)
        wrong += not found.verdict.startswith("no difference")
    assert wrong <= 14  # 5 % of 200, and what chance adds
