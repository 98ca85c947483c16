"""Clips of the same sound that have different labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.dataset.problems.registry import Problem

if TYPE_CHECKING:
    from audiotl_cli.dataset.audit import Audit


def _conflicts(audit: Audit) -> set[int]:
    from audiotl_cli.dataset.index import clip_labels

    found: set[int] = set()
    for group in audit.duplicates.same_sound():
        labels = {frozenset(clip_labels(audit.clips[i])) for i in group} - {frozenset()}
        if len(labels) > 1:
            found.update(group)
    return found


PROBLEM = Problem(
    code="label_conflict",
    order=110,
    summary="the same sound with different labels; correct the labels",
    applies=_conflicts,
    fix="leave out",
    is_serious=True,
    is_shared=True,
    detail=lambda clip: clip.label or "no label",
)
