"""Files that end before the samples that their headers promise."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem, of_finding
from audiotl_cli.errors import AudioError

PROBLEM = Problem(
    code="truncated",
    order=70,
    summary="the end of the file is missing; copy it again",
    applies=of_finding(
        lambda found: (
            found.code == "cut_short" if isinstance(found, AudioError) else found.cut_short
        )
    ),
)
