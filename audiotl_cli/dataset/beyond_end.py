"""Clips that end after their recording does, or lie wholly after its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audiotl_cli.audio.measure import Measurement
from audiotl_cli.dataset.index import Clip, clip_labels
from audiotl_cli.dataset.measure_clips import MeasuredClip
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.left_out import LeftOutCounter

TOLERANCE_S = 0.01
"""Programs round the end of a recording by as much."""

N_EXAMPLES = 3


@dataclass(frozen=True)
class WithinRecordings:
    """Clips as far as they lie within their recordings.

    Parameters
    ----------
    clips : list of Clip
    measured : list of MeasuredClip
        One a clip.
    warning : str
        Which clips were cut to the end of their recordings; empty if none.
    """

    clips: list[Clip]
    measured: list[MeasuredClip]
    warning: str


def cut_to_recordings(
    clips: Sequence[Clip], measured: Sequence[MeasuredClip], left_out: LeftOutCounter
) -> WithinRecordings:
    """Cut clips that end after their recordings, and leave out those that begin there.

    Raises
    ------
    DataError
        Most clips begin there, so their times are likely read in a wrong way.
    """
    n_beyond = sum(_is_beyond(clip, found) for clip, found in zip(clips, measured, strict=True))
    n_placed = sum(bool(clip.start_s) for clip in clips)
    if 2 * n_beyond > n_placed:
        first = next(c for c, found in zip(clips, measured, strict=True) if _is_beyond(c, found))
        raise DataError(
            f"{n_beyond} of {n_placed} clips that begin within a recording lie after its end, such "
            f"as {_name(first)}. Their times may be in another unit, which the name of a column "
            "can say, as start_ms does, or be about other recordings; --start-column none takes "
            "whole recordings"
        )
    kept: list[tuple[Clip, MeasuredClip]] = []
    cut: list[str] = []
    for clip, found in zip(clips, measured, strict=True):
        if _is_beyond(clip, found):
            name = _name(clip)
            reason = "lies after the end of its recording"
            left_out.add(reason, name, unit="clip", labels=clip_labels(clip))
            continue
        end = _end(clip, found)
        if end is not None:
            cut.append(_name(clip))
            clip = replace(clip, end_s=end)
        kept.append((clip, found))
    return WithinRecordings([clip for clip, _ in kept], [found for _, found in kept], _warn(cut))


def _is_beyond(clip: Clip, found: MeasuredClip) -> bool:
    finding = found.finding
    is_empty = isinstance(finding, AudioError) and finding.code in ("empty", "cut_short")
    return bool(clip.start_s) and is_empty


def _end(clip: Clip, found: MeasuredClip) -> float | None:
    """Return where a clip really ends, if that is before the end it was given."""
    finding = found.finding
    if clip.end_s is None or not isinstance(finding, Measurement):
        return None
    if finding.broken or finding.cut_short:  # the recording is damaged, not the annotation
        return None
    end = round((clip.start_s or 0.0) + finding.duration_s, 6)
    return end if end < clip.end_s - TOLERANCE_S else None


def _name(clip: Clip) -> str:
    return f"{clip.path} {clip.start_s or 0:g}-{clip.end_s:g} s" if clip.end_s else clip.path


def _warn(cut: Sequence[str]) -> str:
    if not cut:
        return ""
    more = ", ..." if len(cut) > N_EXAMPLES else ""
    end, are = ("ends", "is") if len(cut) == 1 else ("end", "are")
    return (
        f"{len(cut)} clip{'s' * (len(cut) > 1)} {end} after the recording and {are} cut to its "
        f"end: {', '.join(cut[:N_EXAMPLES])}{more}"
    )
