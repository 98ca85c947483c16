from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.review import selection as module
from audiotl_cli.review.selection import doubt, suggest

NONE = np.empty((0, 2), np.float32)


def directions(*degrees: float) -> npt.NDArray[np.float32]:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_doubt_is_one_less_the_margin() -> None:
    scores = np.array([[0.5, 0.5, 0.0], [0.7, 0.1, 0.2], [1.0, 0.0, 0.0]])

    np.testing.assert_allclose(doubt(scores), [1.0, 0.5, 0.0])
    np.testing.assert_allclose(doubt(scores, multi_label=True), [1.0, 0.6, 0.0])


def test_the_middle_of_many_in_doubt_comes_before_an_odd_one() -> None:
    units = directions(0, 10, 20, 120)

    assert suggest(units, np.ones(4), NONE, [None] * 4, 2) == [1, 3]


def test_what_is_like_a_labelled_clip_is_left() -> None:
    units = directions(0, 10, 20, 120)

    assert suggest(units, np.ones(4), directions(10), [None] * 4, 1) == [3]


def test_what_is_sure_is_left() -> None:
    units = directions(0, 10, 20, 120)
    doubts = np.array([0.1, 0.1, 0.1, 0.9])

    assert suggest(units, doubts, NONE, [None] * 4, 1) == [3]


def test_copies_are_not_suggested_twice_before_others() -> None:
    units = directions(0, 0, 0, 90)

    assert suggest(units, np.ones(4), NONE, [None] * 4, 2) == [0, 3]


def test_labelled_clips_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    units, known = directions(0, 40, 80, 120), directions(1, 79, 121)
    whole = suggest(units, np.ones(4), known, [None] * 4, 4)
    monkeypatch.setattr(module, "MOST", 1)

    assert suggest(units, np.ones(4), known, [None] * 4, 4) == whole
    assert whole[0] == 1


@settings(max_examples=50, deadline=None)
@given(
    groups=st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=8),
    n=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_of_one_group_one_at_most_and_each_once(
    groups: list[str | None], n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    units = directions(*rng.uniform(0, 360, len(groups)))

    chosen = suggest(units, rng.uniform(size=len(groups)), NONE, groups, n)

    named = [groups[i] for i in chosen if groups[i]]
    assert len(set(named)) == len(named)
    assert len(set(chosen)) == len(chosen)
    assert len(chosen) == min(n, groups.count(None) + len(set(groups) - {None}))
