"""Recordings of several channels, some of them silent."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="silent_channel",
    order=39,
    summary="some channels are silent, so the mono mix that networks hear is quieter than the "
    "sound; that does no harm unless only some labels have it",
    applies=of_measurement(lambda found: 0 < len(found.silent) < found.n_channels),
)
