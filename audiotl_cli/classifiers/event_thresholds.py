"""From which score an event is reported, so that a share of what is reported is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiotl_cli.classifiers.checks import DamagedError


@dataclass(frozen=True)
class EventThreshold:
    """The score from which events of a label are reported, and how it was found.

    Parameters
    ----------
    threshold : float
        0 to 1.
    target : float
        The share of reported events that should be right, 0 to 1.
    precision, low, high : float
        The share that is right among the judged events from this score on, and its interval.
    n_events : int
        Judged events from this score on.
    source : str
        What judged them.
    """

    threshold: float
    target: float
    precision: float
    low: float
    high: float
    n_events: int
    source: str

    def check(self, label: str, labels: Sequence[str]) -> None:
        """Raise `DamagedError` if a value is out of range, or there is no such label."""
        numbers = (self.threshold, self.target, self.precision, self.low, self.high)
        if label not in labels:
            raise DamagedError(f"it has a threshold of {ascii(label)[:60]}, none of its labels")
        if not all(0 <= number <= 1 for number in numbers) or self.n_events < 0:
            raise DamagedError(f"it has a threshold of {ascii(label)[:60]} that is out of range")
