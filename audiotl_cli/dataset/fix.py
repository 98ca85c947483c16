"""Take out of an index what cannot be used, and keep together what is nearly the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from audiotl_cli.components import components
from audiotl_cli.dataset.audit import clip_problems
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.kin import Kin

UNUSABLE = ("unreadable", "empty", "silent", "label_conflict")
"""Problems for which a clip is left out, whatever else it has."""


@dataclass(frozen=True)
class Change:
    """What was done to a clip.

    Parameters
    ----------
    path : str
    action : {"dropped", "grouped"}
    reason : str
        The code of its problem.
    detail : str
        Which clip is kept instead, or which group it is in now and what else changed.
    """

    path: str
    action: Literal["dropped", "grouped"]
    reason: str
    detail: str = ""


def drop(clips: Sequence[Clip], kin: Kin) -> tuple[list[int], list[Change]]:
    """Choose the clips to keep: usable, and one of copies.

    Returns
    -------
    kept : list of int
        Positions. Of copies, the first is kept.
    changes : list of Change
    """
    kept, changes = [], []
    first_of = {i: one[0] for one in kin.copies for i in one[1:]}
    for i, clip in enumerate(clips):
        reasons = [code for code in clip_problems(clip) if code in UNUSABLE]
        if reasons:
            changes.append(Change(clip.path, "dropped", reasons[0]))
        elif i in first_of:
            same = f"the same as {clips[first_of[i]].path}"
            changes.append(Change(clip.path, "dropped", "duplicate", same))
        else:
            kept.append(i)
    return kept, changes


def regroup(clips: Sequence[Clip], kin: Kin) -> tuple[list[Clip], list[Change]]:
    """Give clips that are nearly the same one group, and one split and fold where they have some.

    Groups that they were in are joined, with all their clips. Where such clips were in several
    splits or folds, all go to where most of them were; of equally many, to the first.
    """
    links = [(one[0], other) for one in kin.families() for other in one[1:]]
    grouped = {clips[i].group for pair in links for i in pair} - {""}
    first_of: dict[str, int] = {}
    for i, clip in enumerate(clips):
        if clip.group in grouped:
            links.append((first_of.setdefault(clip.group, i), i))
    regrouped, changes = list(clips), []
    for members in components(links):
        names = sorted({clips[i].group for i in members} - {""})
        group = names[0] if names else f"near {clips[members[0]].path}"
        split, fold = (_most([getattr(clips[i], part) for i in members]) for part in _PARTS)
        for i in members:
            new = replace(clips[i], group=group, split=split, fold=fold)
            if new != clips[i]:
                regrouped[i] = new
                told = _told(clips[i], new)
                changes.append(Change(new.path, "grouped", "near_duplicate", told))
    return regrouped, changes


_PARTS = ("split", "fold")


def _most(values: Sequence[str]) -> str:
    """Return the value that most have, of equally many the first; empty if none has any."""
    counted = Counter(filter(None, values)).most_common(1)
    return counted[0][0] if counted else ""


def _told(old: Clip, new: Clip) -> str:
    moved = [
        f"{part} {before or '(none)'} to {after}"
        for part in _PARTS
        if (before := getattr(old, part)) != (after := getattr(new, part))
    ]
    return ", ".join([f"group {new.group}", *moved])
