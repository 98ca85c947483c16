"""Recordings above what most networks hear."""

from __future__ import annotations

from audiotl_cli.audio.limits import BAND_EDGES
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

LOWEST, *_, HIGHEST = BAND_EDGES

PROBLEM = Problem(
    code="beyond_band",
    order=38,
    summary=f"nearly all of the sound is above {LOWEST / 1000:g} kHz, where most networks hear "
    f"nothing; openl3 and birdnet hear up to {HIGHEST / 1000:g} kHz",
    applies=of_measurement(lambda found: found.is_beyond(LOWEST) and not found.is_beyond(HIGHEST)),
    is_serious=True,
)
