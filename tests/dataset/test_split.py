from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.dataset.split import cut_in_order, deal, natural

# each clip: (label, group)
data_sets = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 12)), min_size=2, max_size=80
)
share_lists = st.sampled_from([[0.75, 0.25], [0.5, 0.5], [0.8, 0.1, 0.1], [0.2] * 5])


@settings(max_examples=80, deadline=None)
@given(clips=data_sets, shares=share_lists, seed=st.integers(0, 5))
def test_no_group_is_in_two_parts(
    clips: list[tuple[str, int]], shares: list[float], seed: int
) -> None:
    labels, groups = [label for label, _ in clips], [group for _, group in clips]
    parts = deal(labels, groups, shares, seed)
    assert len(parts) == len(clips)
    assert set(parts) <= set(range(len(shares)))
    assert len(set(zip(groups, parts, strict=True))) == len(set(groups))


@given(clips=data_sets, seed=st.integers(0, 1000))
def test_same_seed_same_parts(clips: list[tuple[str, int]], seed: int) -> None:
    labels, groups = [label for label, _ in clips], [group for _, group in clips]
    assert deal(labels, groups, [0.75, 0.25], seed) == deal(labels, groups, [0.75, 0.25], seed)


def test_other_seed_other_parts() -> None:
    labels = ["a", "b"] * 20
    results = {tuple(deal(labels, range(40), [0.75, 0.25], seed)) for seed in range(5)}
    assert len(results) == 5


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(4, 30), min_size=1, max_size=12),
    seed=st.integers(0, 20),
    test_size=st.sampled_from([0.2, 0.25, 0.3, 0.5]),
)
def test_single_clips_are_dealt_label_by_label(
    counts: list[int], seed: int, test_size: float
) -> None:
    labels = [f"label {i}" for i, count in enumerate(counts) for _ in range(count)]
    parts = deal(labels, range(len(labels)), [1 - test_size, test_size], seed)
    held = Counter(label for label, part in zip(labels, parts, strict=True) if part == 1)
    for i, count in enumerate(counts):
        assert abs(held[f"label {i}"] - test_size * count) <= 1, (i, count)
        if test_size == 0.25:
            assert 1 <= held[f"label {i}"] < count


@settings(max_examples=100, deadline=None)
@given(
    n_labels=st.integers(1, 12),
    n_each=st.integers(2, 12),
    n_folds=st.integers(2, 6),
    seed=st.integers(0, 20),
)
def test_folds_are_of_similar_size_overall(
    n_labels: int, n_each: int, n_folds: int, seed: int
) -> None:
    labels = [str(i) for i in range(n_labels) for _ in range(n_each)]
    parts = Counter(deal(labels, range(len(labels)), [1 / n_folds] * n_folds, seed))
    sizes = [parts[fold] for fold in range(n_folds)]
    assert max(sizes) - min(sizes) <= 2


def test_rare_labels_reach_the_test_part_in_their_share_overall() -> None:
    labels = [str(i) for i in range(20) for _ in range(2)]
    parts = deal(labels, range(40), [0.75, 0.25], seed=0)
    assert 8 <= sum(parts) <= 12


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=8, max_size=40),
    seed=st.integers(0, 20),
    test_size=st.sampled_from([0.25, 0.4]),
)
def test_groups_of_one_label_meet_the_share_within_a_group(
    sizes: list[int], seed: int, test_size: float
) -> None:
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    parts = deal(["a"] * len(groups), groups, [1 - test_size, test_size], seed)
    assert abs(sum(parts) - test_size * len(groups)) <= max(sizes)


def test_large_group_goes_where_it_fits() -> None:
    labels = ["a"] * 100
    groups = [*["big"] * 70, *range(30)]
    parts = deal(labels, groups, [0.75, 0.25], seed=0)
    assert set(parts[:70]) == {0}
    assert sum(parts) == 25


@pytest.mark.parametrize("seed", range(5))
def test_speakers_with_all_labels_are_spread(seed: int) -> None:
    # 12 speakers say each of 4 words twice
    labels = [word for _ in range(12) for word in "abcd" for _ in range(2)]
    groups = [speaker for speaker in range(12) for _ in range(8)]
    parts = deal(labels, groups, [0.75, 0.25], seed)
    assert Counter(parts) == {0: 72, 1: 24}


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 9)), min_size=1),
    st.integers(2, 6),
    st.sampled_from([0.0, 0.1, 0.25]),
    st.integers(0, 5),
)
def test_rounds_test_each_clip_once_apart_from_its_like(
    clips: list[tuple[str, int, int]], n_parts: int, gap: float, seed: int
) -> None:
    labels, paths = [clip[0] for clip in clips], [f"{i}.wav" for i in range(len(clips))]
    groups, near = [clip[1] for clip in clips], [clip[2] for clip in clips]
    rounds = cut_in_order(labels, paths, groups, near=near, n_parts=n_parts, gap=gap, seed=seed)
    assert sorted(i for _, test in rounds for i in test) == list(range(len(clips)))
    for fit, test in rounds:
        for of in (groups, near, range(len(clips))):
            assert {of[i] for i in fit}.isdisjoint(of[i] for i in test)


def test_neighbours_are_tested_together_and_next_ones_left_out() -> None:
    n = 100
    paths = [f"{i}.wav" for i in range(n)]
    rounds = cut_in_order(["a"] * n, paths, range(n), near=range(n), n_parts=5, gap=0.1, seed=0)
    for fit, test in rounds:
        assert len(test) == 20
        assert len(fit) == pytest.approx(60, abs=1)
        ends = sum((i + 1) % n not in test for i in test)
        assert ends == 1
        assert min(abs((i - j + 50) % n - 50) for i in fit for j in test) >= 10


def test_names_sort_as_people_count() -> None:
    names = ["10.wav", "2.wav", "b/1", "a10/2", "a2/3", "²"]
    assert sorted(names, key=natural) == ["2.wav", "10.wav", "a2/3", "a10/2", "b/1", "²"]
