"""Tables that name a clip in several rows, with a label in each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip, clip_labels
from audiotl_cli.errors import DataError
from audiotl_cli.left_out import LeftOutCounter

logger = logging.getLogger(__name__)

FEW = 0.1
"""Below this share of clips, several rows with different labels are taken for mistakes."""


@dataclass(frozen=True)
class NamedClip:
    """A clip, and the row that it is from, for messages."""

    clip: Clip
    where: str


def merge_rows(
    rows: Sequence[NamedClip], name: str, left_out: LeftOutCounter
) -> tuple[list[Clip], list[str]]:
    """Make one clip of the rows that name the same stretch of a recording.

    Parameters
    ----------
    rows : sequence of NamedClip
    name : str
        Of the table, for messages.
    left_out : LeftOutCounter
        Rows that repeat others are added.

    Returns
    -------
    clips : list of Clip
        In the order of their first rows.
    warnings : list of str

    Raises
    ------
    DataError
        Rows of one clip have different splits, folds or groups.
    """
    by_clip: dict[tuple[str, float | None, float | None], dict[Clip, NamedClip]] = {}
    for row in rows:
        clip = row.clip
        same = by_clip.setdefault((clip.path, clip.start_s, clip.end_s), {})
        if same.setdefault(clip, row) is not row:
            left_out.add("repeats another row", row.where, unit="row")
    clips = [list(same.values()) for same in by_clip.values()]
    several = [same for same in clips if len({row.clip.label for row in same}) > 1]
    if several and len(several) < FEW * len(clips):
        apart = [row.clip for same in clips for row in same]
        return apart, [_few(several, len(clips), name)]
    if several:
        logger.info(
            "%s: %d of %d clips have several rows with a label each, and get all of these labels",
            name,
            len(several),
            len(clips),
        )
    return [_merge(same) for same in clips], []


def _merge(rows: Sequence[NamedClip]) -> Clip:
    first, *others = rows
    for other in others:
        for field in ("split", "fold", "group"):
            one, two = getattr(first.clip, field), getattr(other.clip, field)
            if one != two:
                raise DataError(
                    f"{other.where}: the {field} of {first.clip.path} is {two!r}, but {one!r} in "
                    f"{first.where.rpartition(', ')[2]}"
                )
    labels = dict.fromkeys(label for row in rows for label in clip_labels(row.clip))
    return replace(first.clip, label=LABEL_SEPARATOR.join(labels)) if others else first.clip


def _few(several: Sequence[Sequence[NamedClip]], n_clips: int, name: str) -> str:
    first, second, *_ = several[0]
    n = len(several)
    return (
        f"{n} of {n_clips} clips of {name} {'have' if n > 1 else 'has'} several rows with "
        f"different labels, such as {first.clip.path}: {first.clip.label!r} "
        f"({first.where.rpartition(', ')[2]}), {second.clip.label!r} "
        f"({second.where.rpartition(', ')[2]}). Correct the labels, or join those of a clip by "
        f"{LABEL_SEPARATOR!r} in one row"
    )
