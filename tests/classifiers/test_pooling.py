from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.classifiers.pooling import POOLINGS, FloatArray, check_pooling, pool, pool_clip
from audiotl_cli.errors import UsageError

FRAMES = np.array([[1, 10], [3, 10], [5, 40]], np.float32)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("vote", [[1, 10], [3, 10], [5, 40]]),
        ("mean", [[3, 20]]),
        ("mean+std", [[3, 20, np.sqrt(8 / 3), np.sqrt(200)]]),
        ("mean+max", [[3, 20, 5, 40]]),
    ],
)
def test_values(pooling: str, expected: list[list[float]]) -> None:
    rows = pool(FRAMES, pooling)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, rtol=1e-6)


def test_every_pooling_is_tested_here() -> None:
    assert POOLINGS == ("vote", "mean", "mean+std", "mean+max")


def test_one_frame_has_no_deviation() -> None:
    assert pool(FRAMES[:1], "mean+std").tolist() == [[1, 10, 0, 0]]


@pytest.mark.parametrize("pooling", ["mean", "mean+std", "mean+max"])
def test_order_of_frames_does_not_show(pooling: str) -> None:
    rng = np.random.default_rng(0)
    frames = (rng.normal(size=(500, 3)) * 10.0 ** rng.integers(-3, 4, (500, 1))).astype(np.float32)
    rows = pool(frames, pooling)
    for _ in range(5):
        np.testing.assert_array_equal(pool(rng.permutation(frames), pooling), rows)


def test_large_values_do_not_lose_the_mean() -> None:
    frames = np.full((100_000, 1), 16_777_215, np.float32)
    assert pool(frames, "mean+std").tolist() == [[16_777_215, 0]]


def test_unknown_pooling() -> None:
    with pytest.raises(UsageError, match=r"unknown pooling 'sum'; choose from vote, mean, mean\+"):
        check_pooling("sum")
    with pytest.raises(UsageError, match="unknown pooling"):
        pool(FRAMES, "MEAN")


def other(n_frames: int) -> FloatArray:
    return np.arange(n_frames, dtype=np.float32)[:, None]


@pytest.mark.parametrize(("pooling", "n_columns"), [("mean", 3), ("mean+std", 6)])
def test_extractors_lie_side_by_side_whatever_their_hops(pooling: str, n_columns: int) -> None:
    rows = pool_clip([FRAMES, other(7)], pooling)
    assert rows.shape == (1, n_columns)
    np.testing.assert_array_equal(rows[:, : 2 * n_columns // 3], pool(FRAMES, pooling))
    np.testing.assert_array_equal(rows[:, 2 * n_columns // 3 :], pool(other(7), pooling))


def test_frames_vote_together_only_one_to_one() -> None:
    rows = pool_clip([FRAMES, other(3)], "vote")
    assert rows.tolist() == [[1, 10, 0], [3, 10, 1], [5, 40, 2]]
    with pytest.raises(UsageError, match="--pooling vote cannot combine these extractors"):
        pool_clip([FRAMES, other(4)], "vote")
