"""Recordings whose upper frequencies are empty, because they had a lower rate before."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="upsampled",
    order=80,
    summary="converted from a lower sample rate; if only some labels are, the model may learn the "
    "recorder instead of the sound",
    applies=of_measurement(lambda found: found.original_rate > 0),
)
