"""What a model of events is beside its classifier of frames, as a card has it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from audiotl_cli.classifiers.checks import DamagedError

SWITCH_COST = 6.0
"""Nats that a change of label costs; 5 to 8 found events equally well, see docs/adr/0019."""

LONGEST_HOP_S = 3600.0
MOST_NATS = 1e4


@dataclass(frozen=True)
class EventSettings:
    """How the frames of a recording become events.

    Parameters
    ----------
    background : str
        The label of frames in which there is nothing to report; empty where frames may have
        several labels: there it is to have none.
    hop_s : float
        Seconds between the frames along a recording.
    weight : float
        What a frame counts, because neighbouring windows share samples: the hop over half a
        window, at most 1.
    switch_cost : float
        Nats that a change of label costs.
    origin : str
        Where the background that it was trained on came from.
    background_s : float
        Seconds of it.
    n_mixed : int
        Clips that it was also trained on with background mixed under them.
    """

    background: str
    hop_s: float
    weight: float
    switch_cost: float = SWITCH_COST
    origin: str = ""
    background_s: float = 0.0
    n_mixed: int = 0

    @classmethod
    def from_card(cls, values: Mapping[str, Any], labels: Sequence[str], *, several: bool) -> Self:
        """Return the settings that a card holds.

        Parameters
        ----------
        values : mapping
            The field ``events`` of the card, of the types that the fields have.
        labels : sequence of str
        several : bool
            Whether frames may have several labels.

        Raises
        ------
        DamagedError
            A value is out of range.
        """
        found = cls(**values)
        limits = {
            "hop_s": (found.hop_s, 1e-3, LONGEST_HOP_S),
            "weight": (found.weight, 1e-4, 1.0),
            "switch_cost": (found.switch_cost, 0.0, MOST_NATS),
            "background_s": (found.background_s, 0.0, math.inf),
            "n_mixed": (found.n_mixed, 0, math.inf),
        }
        for name, (value, low, high) in limits.items():
            if not low <= value <= high:
                raise DamagedError(f"{name} of its events is {value}, expected {low} to {high}")
        expected = [""] if several else labels
        if found.background not in expected:
            raise DamagedError(
                f"its background is {ascii(found.background)[:60]}, which is none of its labels"
            )
        return found
