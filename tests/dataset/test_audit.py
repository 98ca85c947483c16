from __future__ import annotations

from dataclasses import replace

import numpy as np

from audiotl_cli.audio import limits
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.dataset.audit import Audit, audit_clips, find_problems, paths_by_problem
from audiotl_cli.dataset.duplicates.groups import Duplicates
from audiotl_cli.dataset.duplicates.near_duplicates import NearDuplicate
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.measured import Finding
from audiotl_cli.dataset.problems.registry import codes
from audiotl_cli.errors import AudioError

FINE = Measurement(
    sample_rate=16_000,
    n_channels=2,
    n_samples=16_000,
    cut_short=False,
    broken="",
    swing=0.5,
    offset=0.0,
    deviation=0.1,
    clipped=0.0,
    silent=(),
    mixed=1.0,
    beyond=(0.0, 0.0, 0.0),
    original_rate=0,
    pcm="x",
    words=np.zeros(0, np.uint32),
)


def problems_of(finding: Finding) -> str:
    return audit_clips([Clip("x")], [""], [finding]).clips[0].problems


def faults(**changed: object) -> str:
    return problems_of(replace(FINE, **changed))  # type: ignore[arg-type]


def problems_among(clips: list[Clip], duplicates: Duplicates) -> list[str]:
    return [clip.problems for clip in find_problems(Audit(clips, (), duplicates)).clips]


def test_columns_are_filled() -> None:
    assert audit_clips([Clip("x", "dog")], ["hash"], [FINE]).clips == [
        Clip("x", "dog", duration_s=1.0, sample_rate=16_000, channels=2, sha256="hash")
    ]


def test_each_limit_is_where_it_is_said_to_be() -> None:
    assert faults(swing=limits.SILENT_SWING) == ""
    assert faults(swing=limits.SILENT_SWING * 0.99) == "silent"
    assert faults(mixed=limits.LOST_IN_MIX) == ""
    assert faults(mixed=limits.LOST_IN_MIX * 0.99) == "cancelling_channels"
    assert faults(silent=(1,)) == "silent_channel"
    beyond = limits.BEYOND_SHARE
    assert faults(beyond=(beyond, 0.5, 0.0)) == "beyond_band"
    assert faults(beyond=(beyond * 0.99, 0.0, 0.0)) == ""
    assert faults(beyond=(1.0, 1.0, beyond)) == "ultrasonic"
    assert faults(clipped=limits.CLIPPED_SHARE) == "clipped"
    assert faults(clipped=limits.CLIPPED_SHARE * 0.99) == ""
    assert faults(offset=-limits.DC_OFFSET, deviation=0.09) == "dc_offset"
    assert faults(offset=limits.DC_OFFSET * 0.99) == ""
    assert faults(offset=limits.DC_OFFSET, deviation=0.2) == ""  # as loud sounds have by chance
    assert faults(n_samples=round(limits.TOO_SHORT_S * 16_000)) == ""
    assert faults(n_samples=round(limits.TOO_SHORT_S * 16_000) - 1) == "too_short"
    assert faults(original_rate=8_000) == "upsampled"
    assert faults(cut_short=True) == "truncated"
    assert (
        faults(cut_short=True, broken="lost", swing=0.0, silent=(0, 1))
        == "unreadable;silent;truncated"
    )


def test_errors_are_problems() -> None:
    errors = ("empty", "cut_short", "missing", "crashed", "not_finite")
    found = [problems_of(AudioError("no", code=error)) for error in errors]
    assert found == ["empty", "empty;truncated", "unreadable", "unreadable", "unreadable"]


def test_several_problems_of_a_clip_are_all_listed_in_their_order() -> None:
    clips = [Clip("a", problems="silent;too_short"), Clip("b"), Clip("c", problems="empty")]
    assert list(paths_by_problem(clips).items()) == [
        ("empty", ["c"]),
        ("silent", ["a"]),
        ("too_short", ["a"]),
    ]
    assert paths_by_problem([Clip("a", problems="of_old;silent")]) == {
        "silent": ["a"],
        "of_old": ["a"],
    }
    assert len(codes()) == 16


def test_duplicates_are_marked() -> None:
    labels = ["dog", "dog", "", "cat", "dog;cat", "cat"]
    clips = [Clip(str(i), label) for i, label in enumerate(labels)]
    near = [NearDuplicate(0, 3, 0.1, 0.9), NearDuplicate(4, 5, 0.1, 0.5)]

    marked = problems_among(clips, Duplicates([[0, 1, 2]], near))

    # 0, 1 and 2 are copies of one sound, 3 is nearly that; 4 and 5 only overlap by half
    both = "duplicate;near_duplicate;label_conflict"
    assert marked == [both, both, both, "near_duplicate;label_conflict", *["near_duplicate"] * 2]


def test_the_same_labels_in_another_order_do_not_conflict() -> None:
    clips = [Clip("a", "dog;cat"), Clip("b", "cat; dog")]
    assert problems_among(clips, Duplicates([[0, 1]])) == ["duplicate"] * 2


def test_a_sound_leaks_over_splits_or_folds() -> None:
    duplicates = Duplicates([], [NearDuplicate(0, 1, 0.1, 1.0), NearDuplicate(1, 2, 0.1, 1.0)])

    def leak(*parts: tuple[str, str]) -> bool:
        clips = [Clip(str(i), split=split, fold=fold) for i, (split, fold) in enumerate(parts)]
        (found,) = set(problems_among(clips, duplicates))
        return found == "near_duplicate;split_leak"

    assert not leak(("train", "1"), ("train", "1"), ("train", "1"))
    assert not leak(("train", "1"), ("", ""), ("train", ""))
    assert leak(("train", ""), ("train", ""), ("test", ""))
    assert leak(("train", "1"), ("train", "1"), ("train", "2"))
