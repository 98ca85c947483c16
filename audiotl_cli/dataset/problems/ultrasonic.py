"""Recordings above what any network hears."""

from __future__ import annotations

from audiotl_cli.audio.limits import BAND_EDGES
from audiotl_cli.dataset.problems.registry import Problem, of_measurement

HIGHEST = BAND_EDGES[-1]

PROBLEM = Problem(
    code="ultrasonic",
    order=37,
    summary=f"nearly all of the sound is above {HIGHEST / 1000:g} kHz, where no network hears "
    "anything; play it slower: write the samples with a tenth of the sample rate",
    applies=of_measurement(lambda found: found.is_beyond(HIGHEST)),
    is_serious=True,
)
