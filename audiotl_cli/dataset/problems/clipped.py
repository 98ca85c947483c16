"""Recordings that were too loud for the recorder."""

from __future__ import annotations

from audiotl_cli.audio.limits import CLIPPED_SHARE
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="clipped",
    order=40,
    summary="recorded too loud; use a quieter recording if there is one",
    applies=of_measurement(lambda found: found.clipped >= CLIPPED_SHARE),
)
