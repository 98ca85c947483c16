from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.classifiers.pooling import pool
from audiotl_cli.inference.context import (
    choose_context,
    context_slices,
    pool_slices,
)

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 50), st.sampled_from(["mean", "mean+std", "mean+max"]))
def test_sliding_pooling_is_pooling_of_slices(seed: int, n_frames: int, pooling: str) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.normal(rng.uniform(-9, 9), rng.uniform(0, 5), (n_frames, 3)).astype(np.float32)
    starts = rng.integers(0, n_frames, 20)
    stops = rng.integers(starts, n_frames) + 1

    rows = pool_slices(frames, starts, stops, pooling)

    expected = [pool(frames[a:b], pooling)[0] for a, b in zip(starts, stops, strict=True)]
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, atol=1e-5)


@given(seeds, st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 20))
def test_a_context_is_what_lies_within_it(
    seed: int, n_frames: int, n_steps: int, context_s: float
) -> None:
    rng = np.random.default_rng(seed)
    frames, steps = np.sort(rng.uniform(0, 30, n_frames)), np.sort(rng.uniform(0, 30, n_steps))

    starts, stops = context_slices(frames, steps, context_s)

    for step, start, stop in zip(steps, starts, stops, strict=True):
        assert 0 <= start < stop <= n_frames
        inside = np.flatnonzero(np.abs(frames - step) <= context_s / 2)
        if len(inside):
            assert (start, stop) == (inside[0], inside[-1] + 1)
        else:
            assert np.abs(frames - step).min() == np.abs(frames[start:stop] - step).min()


def test_the_context_has_neighbours() -> None:
    assert choose_context(0.96, 0.48) == pytest.approx(0.96)
    assert choose_context(1.0, 1.0) == 2.0
