"""Recordings without a single sample."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem, of_finding
from audiotl_cli.errors import AudioError

PROBLEM = Problem(
    code="empty",
    order=20,
    summary="no samples",
    applies=of_finding(
        lambda found: isinstance(found, AudioError) and found.code in ("empty", "cut_short")
    ),
    fix="leave out",
    is_serious=True,
)
