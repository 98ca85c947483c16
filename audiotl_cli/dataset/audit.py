"""Tell what is wrong with the recordings of an index, before anything is learnt from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from audiotl_cli.audio.limits import (
    CLIPPED_SHARE,
    DC_OFFSET,
    DC_OFFSET_SHARE,
    SILENT_SWING,
    TOO_SHORT_S,
)
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.dataset.index import Clip, clip_labels
from audiotl_cli.dataset.kin import Kin
from audiotl_cli.dataset.measured import Found

CODES = (
    "unreadable", "empty", "silent", "clipped", "dc_offset", "too_short", "truncated",
    "upsampled", "duplicate", "near_duplicate", "label_conflict", "split_leak",
)  # fmt: skip
"""Every problem a clip can have, in the order they are written."""


def describe(clip: Clip, sha256: str, found: Found) -> Clip:
    """Fill the audit columns of a clip with what can be told of it alone.

    Parameters
    ----------
    clip : Clip
    sha256 : str
        Of its file; empty if that cannot be read.
    found : Measurement or AudioError
    """
    if not isinstance(found, Measurement):
        codes = {"empty": "empty", "cut_short": "empty;truncated"}
        return replace(clip, sha256=sha256, problems=codes.get(found.code, "unreadable"))
    return replace(
        clip,
        duration_s=round(found.duration_s, 6),
        sample_rate=found.sample_rate,
        channels=found.n_channels,
        sha256=sha256,
        problems=_joined(_faults(found)),
    )


def mark_kin(clips: Sequence[Clip], kin: Kin) -> list[Clip]:
    """Add ``duplicate``, ``near_duplicate`` and ``label_conflict`` where they hold."""
    copies = {i for one in kin.copies for i in one}
    at_odds = {i for one in kin.same_sound() if _labels_differ(clips, one) for i in one}
    marked = add(clips, copies, "duplicate")
    marked = add(marked, kin.nearly(), "near_duplicate")
    return add(marked, at_odds, "label_conflict")


def mark_leaks(clips: Sequence[Clip], kin: Kin) -> list[Clip]:
    """Add ``split_leak`` to clips of one sound that lie in different splits or folds."""
    leaking = [
        one
        for one in kin.families()
        if any(len({getattr(clips[i], part) for i in one} - {""}) > 1 for part in ("split", "fold"))
    ]
    return add(clips, {i for one in leaking for i in one}, "split_leak")


def problems(clips: Iterable[Clip]) -> dict[str, list[str]]:
    """Return the paths that have each problem."""
    found: dict[str, list[str]] = {}
    for clip in clips:
        for code in clip_problems(clip):
            found.setdefault(code, []).append(clip.path)
    return {code: found[code] for code in sorted(found, key=_order)}


def clip_problems(clip: Clip) -> list[str]:
    """Return the codes of a clip's problems."""
    return [code for code in clip.problems.split(";") if code]


def add(clips: Sequence[Clip], positions: set[int], code: str) -> list[Clip]:
    """Return clips, some of them with one more problem."""
    return [
        replace(clip, problems=_joined({*clip_problems(clip), code})) if i in positions else clip
        for i, clip in enumerate(clips)
    ]


def _faults(found: Measurement) -> set[str]:
    offset = abs(found.offset)
    holds = {
        "silent": found.swing < SILENT_SWING,
        "clipped": found.clipped >= CLIPPED_SHARE,
        "dc_offset": offset >= DC_OFFSET and offset >= DC_OFFSET_SHARE * found.deviation,
        "too_short": found.duration_s < TOO_SHORT_S,
        "truncated": found.cut_short,
        "unreadable": bool(found.broken),  # extraction stops where its decoder does
        "upsampled": found.original_rate > 0,
    }
    return {code for code, is_so in holds.items() if is_so}


def _labels_differ(clips: Sequence[Clip], positions: Iterable[int]) -> bool:
    labels = {frozenset(clip_labels(clips[i])) for i in positions}
    return len(labels - {frozenset()}) > 1


def _joined(codes: Iterable[str]) -> str:
    return ";".join(sorted(codes, key=_order))


def _order(code: str) -> int:
    return CODES.index(code) if code in CODES else len(CODES)
