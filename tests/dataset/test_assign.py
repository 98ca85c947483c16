from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from audiotl_cli.dataset.assign import assign_folds, assign_splits
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
