from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from audiotl_cli.evaluation.intervals import (
    N_RESAMPLES,
    accuracy_interval,
    number_units,
    resample_means,
    unit_sums,
)
from tests.evaluation.scored import scored


def interval(n_right: int, n_clips: int, seed: int) -> tuple[float, float]:
    right = np.repeat([1.0, 0.0], [n_right, n_clips - n_right])
    return accuracy_interval(right, np.arange(n_clips), seed)


def test_interval_holds_the_accuracy_and_repeats() -> None:
    low, high = interval(80, 100, seed=5)
    assert low < 0.8 < high
    # 95 % of a binomial with 100 draws of 0.8 lie within 0.72 and 0.87
    assert low == pytest.approx(0.72, abs=0.011)
    assert high == pytest.approx(0.87, abs=0.011)
    assert interval(80, 100, seed=5) == (low, high)
    answers = ["a"] * 80 + ["b"] * 20
    assert scored(["a"] * 100, answers, ["a", "b"], seed=5).interval == (low, high)


def test_interval_narrows_with_more_clips() -> None:
    widths = []
    for n in (20, 200, 2000):
        low, high = interval(n * 3 // 4, n, seed=0)
        widths.append(high - low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


@pytest.mark.parametrize("n_clips", [1, 3, 10, 1000])
def test_interval_at_the_ends_is_the_exact_one(n_clips: int) -> None:
    low, high = interval(n_clips, n_clips, seed=0)

    assert high == 1
    assert low**n_clips == pytest.approx(0.025)  # the chance of n right in a row
    exact = binomtest(n_clips, n_clips).proportion_ci(0.95, "exact")
    assert (low, high) == pytest.approx((exact.low, exact.high))
    assert interval(0, n_clips, seed=0) == pytest.approx((0, 1 - low))


def test_interval_covers_the_true_rate_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for seed, n_right in enumerate(rng.binomial(200, 0.7, 120)):
        low, high = interval(int(n_right), 200, seed)
        covered += low <= 0.7 <= high
    assert 0.88 <= covered / 120 <= 0.99


def test_over_groups_it_covers_the_true_rate_where_over_clips_it_does_not() -> None:
    """Ten clips of a group share one answer, so the clips say a tenth of what they seem to."""
    rng = np.random.default_rng(2)
    by_group = by_clip = 0
    units = np.repeat(np.arange(60), 10)
    for seed in range(100):
        right = np.repeat((rng.random(60) < 0.7).astype(float), 10)
        low, high = accuracy_interval(right, units, seed)
        by_group += low <= 0.7 <= high
        low, high = accuracy_interval(right, np.arange(600), seed)
        by_clip += low <= 0.7 <= high
    assert by_group >= 88
    assert by_clip <= 70


def test_all_right_in_few_groups_is_no_more_than_so_many_answers() -> None:
    low, _ = accuracy_interval(np.ones(100), np.repeat(np.arange(5), 20), seed=0)
    assert low == 0.025 ** (1 / 5)


def test_one_group_says_nothing() -> None:
    assert accuracy_interval(np.array([1.0, 0.0]), np.zeros(2, int), seed=0) == (0.0, 1.0)


def test_kinds_of_units_are_drawn_as_units_would_be() -> None:
    """Beside the plain way: draw units one by one."""
    rng = np.random.default_rng(3)
    units = np.sort(rng.integers(0, 12, 50))
    units = number_units(units.tolist())
    values = rng.random((50, 2)).round(1)
    sums = unit_sums(values, units)
    plain = []
    for _ in range(N_RESAMPLES):
        total = sums[rng.integers(0, len(sums), len(sums))].sum(axis=0)
        plain.append(total[:-1] / total[-1])
    ours = resample_means(sums, seed=0)
    for q in (2.5, 50, 97.5):
        np.testing.assert_allclose(
            np.percentile(ours, q, axis=0), np.percentile(plain, q, axis=0), atol=0.01
        )


def test_a_clip_predicted_ten_times_is_still_one_clip() -> None:
    right = np.repeat([1.0, 0.0], [30, 10])
    once = accuracy_interval(right, np.arange(40), seed=0)
    often = accuracy_interval(np.tile(right, 10), np.tile(np.arange(40), 10), seed=0)
    assert once == pytest.approx(often)


def test_units_are_numbered_as_they_come() -> None:
    assert number_units(["b", "a", "b", ("x", 1)]).tolist() == [0, 1, 0, 2]
