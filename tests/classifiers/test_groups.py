from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.classifiers.groups import find_near, join_groups


def partition(groups: list[int]) -> set[frozenset[int]]:
    return {frozenset(i for i, group in enumerate(groups) if group == name) for name in set(groups)}


def features(seed: int, n: int, dim: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim))


def test_each_others_nearest_are_together_and_no_others() -> None:
    points = np.array([[0.0, 5.0], [0.1, 5.0], [5.0, 0.0], [5.0, 0.2], [-5.0, -6.0]])
    assert find_near(points) == [0, 0, 1, 1, 2]


@given(st.integers(0, 1000), st.integers(2, 30), st.integers(2, 8), st.randoms())
def test_the_order_of_clips_does_not_matter(seed: int, n: int, dim: int, random: object) -> None:
    X = features(seed, n, dim)
    order = np.random.default_rng(seed + 1).permutation(n)
    found = partition(find_near(X))
    turned = {frozenset(int(order[i]) for i in group) for group in partition(find_near(X[order]))}
    assert turned == found


@given(st.integers(0, 1000), st.integers(1, 20), st.integers(1, 8), st.data())
def test_equal_clips_are_together(seed: int, n: int, dim: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=40))
    groups = find_near(features(seed, n, dim)[rows])
    for row in set(rows):
        assert len({group for group, other in zip(groups, rows, strict=True) if other == row}) == 1


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e6])
def test_neither_scale_nor_constant_features_matter(scale: float) -> None:
    X = features(0, 30, 5)
    same = np.hstack([X * scale, np.full((30, 2), 3.0 * scale)])
    assert find_near(same) == find_near(X)


def test_all_clips_equal() -> None:
    assert find_near(np.ones((4, 3), np.float32)) == [0, 0, 0, 0]


def test_more_clips_than_are_compared_at_once() -> None:
    X = features(0, 700, 12)
    twins = find_near(np.concatenate([X, X]))
    assert twins[:700] == twins[700:]
    assert len(set(twins)) == 700


def test_groups_are_joined_through_common_clips() -> None:
    assert join_groups(["a", "a", None, None, "b"], [1, 2, 2, 3, 4]) == [0, 0, 0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_what_shares_a_group_is_together_after_joining(pairs: list[tuple[int, int]]) -> None:
    first, second = [left for left, _ in pairs], [two for _, two in pairs]
    joined = join_groups(first, second)
    for i, j in np.ndindex(len(pairs), len(pairs)):
        if first[i] == first[j] or second[i] == second[j]:
            assert joined[i] == joined[j]
