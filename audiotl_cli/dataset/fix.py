"""Leave out of an index what cannot be used, and keep near-duplicates together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from audiotl_cli.components import components
from audiotl_cli.dataset.audit import Audit, clip_problems, find_problems, paths_by_reason
from audiotl_cli.dataset.duplicates.groups import Duplicates
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.problems import duplicate, near_duplicate
from audiotl_cli.dataset.problems.registry import codes


@dataclass(frozen=True)
class Change:
    """A change to a clip.

    Parameters
    ----------
    path : str
    action : {"dropped", "grouped"}
    reason : str
        The code of its problem.
    detail : str
        Why it cannot be read; which clip is kept instead; or which group it is in now, and what
        else changed.
    """

    path: str
    action: Literal["dropped", "grouped"]
    reason: str
    detail: str = ""


def fix_problems(audit: Audit) -> tuple[Audit, list[Change]]:
    """Leave out clips that cannot be used, and put near-duplicates into one group each."""
    kept, dropped = drop(audit.clips, audit.duplicates)
    duplicates = audit.duplicates.only(kept)
    clips, grouped = regroup([audit.clips[i] for i in kept], duplicates)
    findings = [audit.findings[i] for i in kept]
    reason_of = {path: reason for reason, paths in paths_by_reason(audit).items() for path in paths}
    dropped = [
        replace(change, detail=change.detail or reason_of.get(change.path, ""))
        for change in dropped
    ]
    return find_problems(Audit(clips, findings, duplicates)), [*dropped, *grouped]


def drop(clips: Sequence[Clip], duplicates: Duplicates) -> tuple[list[int], list[Change]]:
    """Choose the clips to keep: those that can be used, and one of exact duplicates.

    Returns
    -------
    kept : list of int
        Positions. Of exact duplicates, the first is kept.
    changes : list of Change
    """
    unusable = codes("leave out")
    kept, changes = [], []
    first_of = {i: group[0] for group in duplicates.exact for i in group[1:]}
    for i, clip in enumerate(clips):
        reasons = [code for code in clip_problems(clip) if code in unusable]
        if reasons:
            changes.append(Change(clip.path, "dropped", reasons[0]))
        elif i in first_of:
            same = f"the same as {clips[first_of[i]].path}"
            changes.append(Change(clip.path, "dropped", duplicate.PROBLEM.code, same))
        else:
            kept.append(i)
    return kept, changes


def regroup(clips: Sequence[Clip], duplicates: Duplicates) -> tuple[list[Clip], list[Change]]:
    """Give near-duplicates one group, and one split and fold where they have some.

    If they were in several groups, all clips of these groups get one. If they were in several
    splits or folds, all go where most of them were; if equally many, where the first was.
    """
    links = [(group[0], other) for group in duplicates.groups() for other in group[1:]]
    grouped = {clips[i].group for pair in links for i in pair} - {""}
    first_of: dict[str, int] = {}
    for i, clip in enumerate(clips):
        if clip.group in grouped:
            links.append((first_of.setdefault(clip.group, i), i))
    regrouped, changes = list(clips), []
    for members in components(links):
        names = sorted({clips[i].group for i in members} - {""})
        group = names[0] if names else f"near {clips[members[0]].path}"
        split = _most_frequent(clips[i].split for i in members)
        fold = _most_frequent(clips[i].fold for i in members)
        for i in members:
            new = replace(clips[i], group=group, split=split, fold=fold)
            if new != clips[i]:
                regrouped[i] = new
                detail = _describe_change(clips[i], new)
                changes.append(Change(new.path, "grouped", near_duplicate.PROBLEM.code, detail))
    return regrouped, changes


def _most_frequent(values: Iterable[str]) -> str:
    """Return the most frequent value, the first of equally frequent ones; empty if all are."""
    counts = Counter(filter(None, values)).most_common(1)
    return counts[0][0] if counts else ""


def _describe_change(old: Clip, new: Clip) -> str:
    moved = [
        f"{column} {before or '(none)'} to {after}"
        for column in ("split", "fold")
        if (before := getattr(old, column)) != (after := getattr(new, column))
    ]
    return ", ".join([f"group {new.group}", *moved])
