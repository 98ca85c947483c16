"""Recordings in which nothing can be heard."""

from __future__ import annotations

from audiotl_cli.audio.limits import SILENT_SWING
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="silent",
    order=30,
    summary="nothing can be heard",
    applies=of_measurement(lambda found: found.swing < SILENT_SWING),
    fix="leave out",
    is_serious=True,
)
