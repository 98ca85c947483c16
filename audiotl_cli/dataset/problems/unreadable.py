"""Recordings that cannot be decoded, or not to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.dataset.problems.registry import Problem, of_finding
from audiotl_cli.errors import AudioError

if TYPE_CHECKING:
    from audiotl_cli.dataset.measured import Finding


def _is_unreadable(found: Finding) -> bool:
    if isinstance(found, AudioError):
        return found.code not in ("empty", "cut_short")
    return bool(found.broken)  # extraction would stop there


PROBLEM = Problem(
    code="unreadable",
    order=10,
    summary="restore or replace the files",
    applies=of_finding(_is_unreadable),
    fix="leave out",
    is_serious=True,
)
