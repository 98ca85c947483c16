from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audiotl_cli.dataset.assign import (
    assign_folds,
    assign_splits,
    assign_splits_by_time,
    fold_each_group,
)
from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import UsageError


def some_clips() -> list[Clip]:
    return [Clip(f"{label}{i}.wav", label=label) for label in "abc" for i in range(8)]


def test_splits_are_dealt_by_label() -> None:
    clips = assign_splits(some_clips(), 0.25, seed=1)
    assert Counter((clip.label, clip.split) for clip in clips) == {
        ("a", "train"): 6, ("b", "train"): 6, ("c", "train"): 6,
        ("a", "test"): 2, ("b", "test"): 2, ("c", "test"): 2,
    }  # fmt: skip
    assert [clip.path for clip in clips] == [clip.path for clip in some_clips()]
    assert assign_splits(some_clips(), 0.25, seed=1) == clips
    assert assign_splits(some_clips(), 0.25, seed=2) != clips


def test_splits_keep_groups_and_else_folds_and_else_recordings_together() -> None:
    clips = [
        replace(clip, group=f"g{i % 6}" if i < 12 else "", fold=f"f{i % 4}")
        for i, clip in enumerate(some_clips())
    ]
    parts: dict[str, set[str]] = {}
    for clip in assign_splits(clips, 0.3, seed=0):
        parts.setdefault(clip.group or clip.fold, set()).add(clip.split)
    assert len(parts) == 10
    assert all(len(splits) == 1 for splits in parts.values())

    stretches = [Clip(f"{i // 3}.wav", "a", start_s=float(i % 3)) for i in range(24)]
    of_path: dict[str, set[str]] = {}
    for clip in assign_splits(stretches, 0.25, seed=0):
        of_path.setdefault(clip.path, set()).add(clip.split)
    assert all(len(splits) == 1 for splits in of_path.values())


def test_splits_that_are_there_are_kept() -> None:
    clips = [Clip("a", split="train"), Clip("b", split="test"), Clip("c")]
    assert assign_splits(clips, 0.5, seed=0) == clips


def test_no_test_part_where_none_is_wanted() -> None:
    assert {clip.split for clip in assign_splits(some_clips(), 0, seed=0)} == {"train"}


@pytest.mark.parametrize("test_size", [-0.1, 1.0, 25])
def test_test_size_out_of_range(test_size: float) -> None:
    with pytest.raises(UsageError, match=r"--test-size is .* expected a share from 0 to below 1"):
        assign_splits(some_clips(), test_size, seed=0)


def test_folds_are_numbered_from_one_and_hold_every_label() -> None:
    clips = assign_folds([replace(clip, fold="old") for clip in some_clips()], 4, seed=0)
    expected = {(label, fold): 2 for label in "abc" for fold in "1234"}
    assert Counter((clip.label, clip.fold) for clip in clips) == expected


def test_folds_keep_groups_together() -> None:
    clips = [replace(clip, group=clip.path[1]) for clip in some_clips()]
    folds = {(clip.group, clip.fold) for clip in assign_folds(clips, 4, seed=0)}
    assert len(folds) == 8


@pytest.mark.parametrize("n_folds", [0, 1, 4])
def test_number_of_folds_out_of_range(n_folds: int) -> None:
    clips = [Clip(f"{i}.wav", "a", group=str(i % 3)) for i in range(9)]
    with pytest.raises(UsageError, match=r"--folds is .*; expected 2 to 3, the number of groups"):
        assign_folds(clips, n_folds, seed=0)


# --- leave one group out, and by time ------------------------------------------------


def test_every_group_can_be_a_fold() -> None:
    clips = [replace(clip, group=f"g{i % 3}") for i, clip in enumerate(some_clips())]
    assert all(clip.fold == clip.group for clip in fold_each_group(clips))
    with pytest.raises(UsageError, match=r"1 clips have none, such as z\.wav"):
        fold_each_group([*clips, Clip("z.wav")])
    with pytest.raises(UsageError, match="there is one"):
        fold_each_group(clips[::3])


def test_the_newest_clips_are_the_test() -> None:
    clips = [Clip(f"{i}.wav", "a") for i in range(8)]
    times = [3.0, 1.0, 8.0, 2.0, 7.0, 5.0, 4.0, 6.0]
    split = assign_splits_by_time(clips, times, 0.25)
    assert [clip.path for clip in split if clip.split == "test"] == ["2.wav", "4.wav"]


def test_splits_by_time_that_cannot_be() -> None:
    clips = [Clip("a.wav", "a"), Clip("b.wav", "a")]
    with pytest.raises(UsageError, match="has splits already"):
        assign_splits_by_time([Clip("a.wav", split="test"), Clip("b.wav")], [1, 2], 0.5)
    with pytest.raises(UsageError, match="expected a share between 0 and 1"):
        assign_splits_by_time(clips, [1, 2], 0.0)
    with pytest.raises(UsageError, match="there is one"):
        assign_splits_by_time([replace(clip, group="g") for clip in clips], [1, 2], 0.5)


# --- whatever the clips: nothing leaks -----------------------------------------------

A_CLIP = st.builds(
    lambda path, label, group: Clip(f"{path}.wav", label, group=f"g{group}" if group else ""),
    st.integers(0, 30),
    st.sampled_from(["a", "b", "b;c", ""]),
    st.integers(0, 6),
)
CLIPS = st.lists(A_CLIP, min_size=2, max_size=40)


def units(clips: list[Clip]) -> list[str]:
    """What must not be parted: groups, and recordings without one."""
    return [clip.group or clip.path for clip in clips]


def parted(clips: list[Clip], column: str) -> bool:
    found: dict[str, set[str]] = {}
    for unit, clip in zip(units(clips), clips, strict=True):
        found.setdefault(unit, set()).add(getattr(clip, column))
    return any(len(values) > 1 for values in found.values())


def same_but_for(column: str, before: list[Clip], after: list[Clip]) -> bool:
    def others(clips: list[Clip]) -> list[dict[str, object]]:
        return [{**asdict(clip), column: ""} for clip in clips]

    return others(before) == others(after)


@given(CLIPS, st.floats(0.01, 0.9), st.integers(0, 9))
def test_no_group_is_on_both_sides(clips: list[Clip], test_size: float, seed: int) -> None:
    split = assign_splits(clips, test_size, seed)
    assert {clip.split for clip in split} <= {"train", "test"}
    assert not parted(split, "split")
    assert same_but_for("split", clips, split)
    assert assign_splits(clips, test_size, seed) == split


@given(CLIPS, st.integers(2, 8), st.integers(0, 9))
def test_no_group_is_in_two_folds(clips: list[Clip], n_folds: int, seed: int) -> None:
    assume(len(set(units(clips))) >= n_folds)
    folded = assign_folds(clips, n_folds, seed)
    assert {clip.fold for clip in folded} <= {str(n) for n in range(1, n_folds + 1)}
    assert not parted(folded, "fold")
    assert same_but_for("fold", clips, folded)
    assert assign_folds(clips, n_folds, seed) == folded


@given(CLIPS, st.floats(0.01, 0.9), st.randoms(use_true_random=False))
def test_by_time_no_group_is_parted_and_none_in_the_test_is_older(
    clips: list[Clip], test_size: float, random: Random
) -> None:
    assume(len(set(units(clips))) > 1)
    times = [float(random.randrange(20)) for _ in clips]
    split = assign_splits_by_time(clips, times, test_size)
    assert {clip.split for clip in split} == {"train", "test"}
    assert not parted(split, "split")
    assert same_but_for("split", clips, split)
    newest: dict[str, float] = {}
    for unit, time in zip(units(clips), times, strict=True):
        newest[unit] = max(newest.get(unit, time), time)
    sides: dict[str, list[float]] = {"train": [], "test": []}
    for unit, clip in zip(units(split), split, strict=True):
        sides[clip.split].append(newest[unit])
    assert min(sides["test"]) >= max(sides["train"])
    assert assign_splits_by_time(clips, times, test_size) == split
