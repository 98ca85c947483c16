"""Recordings of which a network would get more padding than sound."""

from __future__ import annotations

from audiotl_cli.audio.limits import TOO_SHORT_S
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="too_short",
    order=60,
    summary=f"below {TOO_SHORT_S:g} s, networks get more padding than sound",
    applies=of_measurement(lambda found: found.duration_s < TOO_SHORT_S),
)
