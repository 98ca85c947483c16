from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.evaluation.learning_curve import (
    SHARES,
    learning_curve,
    nested_shares,
    project,
)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 8)), min_size=1, max_size=60),
    st.integers(0, 5),
)
def test_subsets_grow_and_keep_groups_whole(clips: list[tuple[str, int]], seed: int) -> None:
    labels = [label for label, _ in clips]
    units = [f"{label}{number}" for label, number in clips]
    rows = list(range(0, len(clips), 2)) or [0]

    subsets = nested_shares(rows, labels, units, SHARES, seed)

    assert subsets[-1] == rows
    for less, more in pairwise(subsets):
        assert set(less) <= set(more)
    for subset in subsets:
        assert {labels[i] for i in subset} == {labels[i] for i in rows}
        inside = {units[i] for i in subset}
        assert subset == [i for i in rows if units[i] in inside]


def test_every_label_keeps_its_share() -> None:
    labels = ["a"] * 100 + ["b"] * 20
    for share, subset in zip(
        SHARES, nested_shares(range(120), labels, range(120), SHARES, 0), strict=True
    ):
        assert sum(i < 100 for i in subset) == pytest.approx(100 * share, abs=1)
        assert sum(i >= 100 for i in subset) == pytest.approx(20 * share, abs=1)


def test_a_power_law_is_followed() -> None:
    n_clips = [20, 40, 80, 160]
    accuracies = 1 - 2.0 * np.array(n_clips) ** -0.5
    expected = 1 - 2.0 * 320**-0.5
    assert project(n_clips, accuracies[None], 10**6)[0] == pytest.approx(expected)


def test_more_clips_are_not_taken_to_harm() -> None:
    assert project([10, 20, 40], np.array([[0.9, 0.8, 0.7]]), 100)[0] >= 0.7
    assert project([10, 20, 40], np.ones((1, 3)), 100)[0] == pytest.approx(0.995)


def test_the_interval_holds_what_twice_the_clips_bring() -> None:
    """Made answers whose chance to be right follows a power law."""
    rng = np.random.default_rng(0)
    n_clips = [20, 40, 80, 160]
    held = 0
    for seed in range(40):
        # what is hard stays hard: a clip is right once there are enough clips for it
        hardness = rng.random(200)
        right = np.stack([hardness > 2 * n**-0.5 for n in n_clips]).astype(float)
        curve = learning_curve(n_clips, right, np.arange(200), seed)
        low, high = curve.twice.interval
        held += low <= 1 - 2 * 320**-0.5 <= high
        assert curve.twice.n_clips == 320
        assert [point.n_clips for point in curve.points] == n_clips
    assert held >= 34
