"""The clips of an evaluation: which stretch of which recording, and with what label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str, float | None, float | None]
"""What identifies a clip: its recording's path, where it starts and where it ends, in seconds."""


@dataclass(frozen=True)
class EvaluatedClip:
    """A clip that is evaluated, or trained on beside such clips.

    Parameters
    ----------
    path : str
        Relative to the folder of the recordings.
    label : str
        Several labels are sorted and joined by ``;``.
    start_s, end_s : float or None
        Bounds within the recording, seconds.
    group, fold : str
        As in the index; empty where there is none.
    """

    path: str
    label: str
    start_s: float | None = None
    end_s: float | None = None
    group: str = ""
    fold: str = ""

    @property
    def place(self) -> Place:
        """What identifies the clip."""
        return self.path, self.start_s, self.end_s

    @property
    def name(self) -> str:
        """What to call the clip; see `name_of`."""
        return name_of(self.place)

    @property
    def unit(self) -> tuple[str, str]:
        """What the clip must not be parted from: its group, else its recording."""
        return ("group", self.group) if self.group else ("path", self.path)

    def bounds(self, prefix: str = "") -> dict[str, float]:
        """Return the bounds that the clip has, as JSON."""
        return known({f"{prefix}start_s": self.start_s, f"{prefix}end_s": self.end_s})

    def to_dict(self) -> dict[str, Any]:
        """Return where the clip is and where it belongs, as JSON, without its label."""
        return {"path": self.path, **self.bounds(), **known({"group": self.group or None})} | (
            {"fold": self.fold} if self.fold else {}
        )


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are there."""
    return {name: value for name, value in values.items() if value is not None}


def name_of(place: Place) -> str:
    """Return what to call a clip: its path, and which stretch it is."""
    path, start, end = place
    if start is None and end is None:
        return path
    return f"{path} ({start or 0:g} s to {'its end' if end is None else f'{end:g} s'})"
