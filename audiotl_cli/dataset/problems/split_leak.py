"""Clips of the same sound that are in different splits or folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.dataset.problems.registry import Problem

if TYPE_CHECKING:
    from audiotl_cli.dataset.audit import Audit
    from audiotl_cli.dataset.index import Clip


def _leaks(audit: Audit) -> set[int]:
    found: set[int] = set()
    for group in audit.duplicates.groups():
        splits = {audit.clips[i].split for i in group} - {""}
        folds = {audit.clips[i].fold for i in group} - {""}
        if len(splits) > 1 or len(folds) > 1:
            found.update(group)
    return found


def _detail(clip: Clip) -> str:
    return ", ".join(filter(None, (clip.split, clip.fold and f"fold {clip.fold}")))


PROBLEM = Problem(
    code="split_leak",
    order=120,
    summary="the same sound in several splits or folds, so scores are too good; use --fix, or give "
    "the clips one group",
    applies=_leaks,
    is_serious=True,
    is_shared=True,
    detail=_detail,
)
