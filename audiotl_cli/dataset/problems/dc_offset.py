"""Recordings whose samples are shifted to one side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.audio.limits import DC_OFFSET, DC_OFFSET_SHARE
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

if TYPE_CHECKING:
    from audiotl_cli.audio.measure import Measurement


def _has_offset(found: Measurement) -> bool:
    return abs(found.offset) >= max(DC_OFFSET, DC_OFFSET_SHARE * found.deviation)


PROBLEM = Problem(
    code="dc_offset",
    order=50,
    summary="the mean of the samples is not 0; a high-pass filter removes it",
    applies=of_measurement(_has_offset),
)
