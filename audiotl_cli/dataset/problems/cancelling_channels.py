"""Recordings whose channels cancel when they are mixed down, as networks hear them."""

from __future__ import annotations

from audiotl_cli.dataset.problems.registry import Problem, of_measurement

PROBLEM = Problem(
    code="cancelling_channels",
    order=36,
    summary="the channels cancel in the mono mix that networks hear, so hardly anything is left; "
    "audiotl extract --channel left takes one of them",
    applies=of_measurement(lambda found: found.cancels),
    is_serious=True,
)
