from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.inference.viterbi import Viterbi

COST = 3.0


def whole(gains: np.ndarray, cost: float) -> np.ndarray:
    """Return the best of all sequences, by trying each."""
    n_steps, n_states = gains.shape

    def total(states: tuple[int, ...]) -> float:
        changes = sum(a != b for a, b in itertools.pairwise(states))
        return float(sum(gains[i, s] for i, s in enumerate(states)) - cost * changes)

    return np.array(max(itertools.product(range(n_states), repeat=n_steps), key=total))


def in_bits(gains: np.ndarray, bounds: list[int], cost: float = COST, lag: int = 512) -> np.ndarray:
    viterbi = Viterbi(cost, lag=lag)
    decided = [viterbi.add(part) for part in np.split(gains, bounds)]
    return np.concatenate([*decided, viterbi.finish()])


@pytest.mark.parametrize("seed", range(20))
def test_the_best_of_all_sequences_is_found(seed: int) -> None:
    gains = np.random.default_rng(seed).normal(0, 2, (7, 3))
    np.testing.assert_array_equal(in_bits(gains, []), whole(gains, COST))


@given(st.integers(0, 100), st.lists(st.integers(0, 300), max_size=8).map(sorted))
def test_the_result_does_not_depend_on_the_bits(seed: int, bounds: list[int]) -> None:
    gains = np.random.default_rng(seed).normal(0, 1, (300, 4))
    for lag in (512, 8):
        found = in_bits(gains, bounds, lag=lag)
        np.testing.assert_array_equal(found, in_bits(gains, [], lag=lag))
        assert len(found) == 300


def test_steps_are_decided_while_others_come() -> None:
    """A single frame of another label is passed over, and the steps before are known soon."""
    gains = np.log(np.array([[0.9, 0.1]] * 30 + [[0.1, 0.9]] + [[0.9, 0.1]] * 30))
    viterbi = Viterbi(6.0)
    assert len(viterbi.add(gains)) > 50
    assert not np.concatenate([viterbi.add(gains[:1]), viterbi.finish()]).any()


def test_memory_is_bounded_where_nothing_is_certain() -> None:
    viterbi = Viterbi(6.0, lag=16)
    decided = viterbi.add(np.zeros((1000, 3)))
    assert len(decided) >= 1000 - 16 - 4
    assert len(decided) + len(viterbi.finish()) == 1000
