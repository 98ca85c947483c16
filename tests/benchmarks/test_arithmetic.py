"""What the benchmark works out, on numbers that can be checked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.arithmetic import PARTS, bound_s, efficiency, marginal_rate, shares

CORE_S = {"decode": 1.0, "resample": 0.5, "front_end": 0.5, "network": 6.0}


def test_shares() -> None:
    assert shares(CORE_S) == {
        "decode": 0.125,
        "resample": 0.0625,
        "front_end": 0.0625,
        "network": 0.75,
    }


@given(st.lists(st.floats(1e-6, 1e4), min_size=4, max_size=4))
def test_shares_add_up(seconds: list[float]) -> None:
    taken = shares(dict(zip(PARTS, seconds, strict=True)))
    assert sum(taken.values()) == pytest.approx(1)


def test_bound_is_the_parts_over_the_cores() -> None:
    assert bound_s(CORE_S, 1) == 8
    assert bound_s(CORE_S, 4) == 2
    assert bound_s({**CORE_S, "decode_wav": 99.0}, 4) == 2


def test_efficiency() -> None:
    assert efficiency(gflop=300, wall_s=4, matrix_gflops=150) == 0.5


def test_what_two_runs_begin_with_falls_out() -> None:
    start_s, rate = 7.0, 25.0
    runs = [(length, start_s + length / rate) for length in (30.0, 180.0)]
    assert marginal_rate(*runs) == pytest.approx(rate)
