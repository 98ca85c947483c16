from __future__ import annotations

from dataclasses import replace

import numpy as np

from audiotl_cli.audio import limits
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.dataset.audit import CODES, describe, mark_kin, mark_leaks, problems
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.kin import Kin
from audiotl_cli.dataset.near import Near
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
    original_rate=0,
    pcm="x",
    words=np.zeros(0, np.uint32),
)


def faults(**changed: object) -> str:
    return describe(Clip("x"), "", replace(FINE, **changed)).problems  # type: ignore[arg-type]


def test_columns_are_filled() -> None:
    assert describe(Clip("x", "dog"), "hash", FINE) == Clip(
        "x", "dog", duration_s=1.0, sample_rate=16_000, channels=2, sha256="hash"
    )


def test_each_limit_is_where_it_is_said_to_be() -> None:
    assert faults(swing=limits.SILENT_SWING) == ""
    assert faults(swing=limits.SILENT_SWING * 0.99) == "silent"
    assert faults(clipped=limits.CLIPPED_SHARE) == "clipped"
    assert faults(clipped=limits.CLIPPED_SHARE * 0.99) == ""
    assert faults(offset=-limits.DC_OFFSET, deviation=0.09) == "dc_offset"
    assert faults(offset=limits.DC_OFFSET * 0.99) == ""
    assert faults(offset=limits.DC_OFFSET, deviation=0.2) == ""  # as loud sounds have by chance
    assert faults(n_samples=round(limits.TOO_SHORT_S * 16_000)) == ""
    assert faults(n_samples=round(limits.TOO_SHORT_S * 16_000) - 1) == "too_short"
    assert faults(original_rate=8_000) == "upsampled"
    assert faults(cut_short=True) == "truncated"
    assert faults(cut_short=True, broken="lost", swing=0.0) == "unreadable;silent;truncated"


def test_errors_are_problems() -> None:
    codes = ("empty", "cut_short", "missing", "crashed", "not_finite")
    told = [describe(Clip("x"), "", AudioError("no", code=code)).problems for code in codes]
    assert told == ["empty", "empty;truncated", "unreadable", "unreadable", "unreadable"]


def test_several_problems_of_a_clip_are_all_listed_in_their_order() -> None:
    clips = [Clip("a", problems="silent;too_short"), Clip("b"), Clip("c", problems="empty")]
    assert list(problems(clips).items()) == [
        ("empty", ["c"]),
        ("silent", ["a"]),
        ("too_short", ["a"]),
    ]
    assert problems([Clip("a", problems="of_old;silent")]) == {"silent": ["a"], "of_old": ["a"]}
    assert len(CODES) == 12


def test_kin_are_marked() -> None:
    labels = ["dog", "dog", "", "cat", "dog;cat", "cat"]
    clips = [Clip(str(i), label) for i, label in enumerate(labels)]
    kin = Kin([[0, 1, 2]], [Near(0, 3, 0.1, 0.9), Near(4, 5, 0.1, 0.5)])

    marked = [clip.problems for clip in mark_kin(clips, kin)]

    # 0, 1 and 2 are copies of one sound, 3 is nearly that; 4 and 5 only overlap by half
    both = "duplicate;near_duplicate;label_conflict"
    assert marked == [both, both, both, "near_duplicate;label_conflict", *["near_duplicate"] * 2]


def test_the_same_labels_in_another_order_do_not_conflict() -> None:
    clips = [Clip("a", "dog;cat"), Clip("b", "cat; dog")]
    assert [clip.problems for clip in mark_kin(clips, Kin([[0, 1]], []))] == ["duplicate"] * 2


def test_a_sound_leaks_over_splits_or_folds() -> None:
    kin = Kin([[0, 1]], [Near(1, 2, 0.1, 1.0)])

    def leaks(*parts: tuple[str, str]) -> list[str]:
        clips = [Clip(str(i), split=split, fold=fold) for i, (split, fold) in enumerate(parts)]
        return [clip.problems for clip in mark_leaks(clips, kin)]

    assert leaks(("train", "1"), ("train", "1"), ("train", "1")) == [""] * 3
    assert leaks(("train", "1"), ("", ""), ("train", "")) == [""] * 3
    assert leaks(("train", ""), ("train", ""), ("test", "")) == ["split_leak"] * 3
    assert leaks(("train", "1"), ("train", "1"), ("train", "2")) == ["split_leak"] * 3
