from __future__ import annotations

from audiotl_cli.dataset.duplicates.groups import Duplicates
from audiotl_cli.dataset.duplicates.near_duplicates import NearDuplicate
from audiotl_cli.dataset.fix import Change, drop, regroup
from audiotl_cli.dataset.index import Clip

NEAR = NearDuplicate(0, 1, 0.1, 1.0)


def test_unusable_clips_are_dropped_with_the_first_reason() -> None:
    problems = ["", "unreadable;truncated", "clipped", "silent;too_short", "duplicate", "duplicate"]
    clips = [Clip(str(i), problems=codes) for i, codes in enumerate(problems)]

    kept, changes = drop(clips, Duplicates([[4, 5]], []))

    assert kept == [0, 2, 4]
    assert changes == [
        Change("1", "dropped", "unreadable"),
        Change("3", "dropped", "silent"),
        Change("5", "dropped", "duplicate", "the same as 4"),
    ]


def test_groups_are_joined_with_all_their_clips() -> None:
    clips = [Clip("0", group="b"), Clip("1", group="a"), Clip("2", group="b"), Clip("3")]

    regrouped, changes = regroup(clips, Duplicates([], [NEAR]))

    assert [clip.group for clip in regrouped] == ["a", "a", "a", ""]
    assert [change.path for change in changes] == ["0", "2"]
    assert changes[0].detail == "group a"


def test_chains_over_several_groups_end_in_one() -> None:
    groups = ["a", "b", "b", "c", "d"]
    clips = [Clip(str(i), group=group) for i, group in enumerate(groups)]

    regrouped, _ = regroup(clips, Duplicates([], [NEAR, NearDuplicate(2, 3, 0.1, 1.0)]))

    assert [clip.group for clip in regrouped] == ["a", "a", "a", "a", "d"]


def test_all_go_where_most_are() -> None:
    splits = ["test", "train", "train", "", "test"]
    clips = [Clip(str(i), split=split, fold=str(i % 2)) for i, split in enumerate(splits)]
    duplicates = Duplicates(
        [], [NEAR, NearDuplicate(1, 2, 0.1, 1.0), NearDuplicate(2, 3, 0.1, 1.0)]
    )

    regrouped, changes = regroup(clips, duplicates)

    assert [clip.split for clip in regrouped] == ["train"] * 4 + ["test"]
    assert [clip.fold for clip in regrouped] == ["0"] * 5
    assert {clip.group for clip in regrouped[:4]} == {"near 0"}
    assert changes[0].detail == "group near 0, split test to train"
    assert changes[3].detail == "group near 0, split (none) to train, fold 1 to 0"


def test_clips_in_one_group_already_are_not_changed() -> None:
    clips = [Clip("0", group="g", split="train"), Clip("1", group="g", split="train")]
    assert regroup(clips, Duplicates([], [NEAR])) == (clips, [])
