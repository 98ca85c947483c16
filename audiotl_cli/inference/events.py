"""Where in a recording a label is heard, found as soon as it is over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

DIGITS = 6
"""Of scores and seconds in files; more would be noise."""

LEAST_S = 0.01
"""Seconds of an event beside silence that are more than the edge of a silence."""

THRESHOLD = 0.5
"""Score from which a model of clips hears a label along a recording."""

MIN_STEPS = 2
"""Steps an event lasts at least, unless that is given in seconds."""


@dataclass(frozen=True)
class Event:
    """A stretch of a recording in which a label is heard.

    Parameters
    ----------
    start_s, end_s : float
        Seconds from the start of the recording.
    label : str
    score : float
        Mean of the label's scores, 0 to 1.
    """

    start_s: float
    end_s: float
    label: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return the event as every JSON output has it."""
        return {
            "start_s": round(self.start_s, DIGITS),
            "end_s": round(self.end_s, DIGITS),
            "label": self.label,
            "score": round(self.score, DIGITS),
        }


@dataclass(frozen=True)
class EventOptions:
    """What makes an event.

    Parameters
    ----------
    threshold : float or None
        Score from which a label is heard, 0 to 1; None is the model's own, or `THRESHOLD` for a
        model of clips. For a model of events, it is the lowest score of an event.
    min_s : float or None
        Seconds an event lasts at least, and from which a gap parts two events of one label;
        None is `MIN_STEPS` steps, and for a model of events 0.
    thresholds : mapping
        Those of single labels, which come before `threshold`.
    with_background : bool
        Whether events of the background are returned as well.
    """

    threshold: float | None = None
    min_s: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    with_background: bool = False

    def of(self, label: str, usual: float = THRESHOLD) -> float:
        """Return the threshold of a label."""
        return self.thresholds.get(label, usual if self.threshold is None else self.threshold)


class EventFinder:
    """Finds the events of one recording in the scores along it, which come bit by bit.

    A step speaks for what is nearer to it than to its neighbours; the first and the last one
    reach to the ends of the recording. Scores are smoothed by a running median of three steps.
    Memory does not grow with the recording, and events do not depend on the bits.

    Parameters
    ----------
    labels : sequence of str
    options : EventOptions
    step_s : float
        Seconds between steps.
    several : bool
        Whether several labels may be heard at once; else only the likeliest can be.
    """

    def __init__(
        self, labels: Sequence[str], options: EventOptions, step_s: float, *, several: bool = False
    ) -> None:
        self.labels = labels
        self.thresholds = np.array([options.of(label) for label in labels])
        self.min_s = MIN_STEPS * step_s if options.min_s is None else options.min_s
        self.several = several
        self._open: dict[int, _Open] = {}
        self._centres = np.empty(0)  # of the steps whose right neighbour has not come
        self._scores = np.empty((0, len(labels)))  # theirs, after that of the step before them
        self._edge_s = 0.0

    def add(self, centres: Vector, scores: Vector) -> list[Event]:
        """Take the next steps.

        Parameters
        ----------
        centres : float64 (n_steps,)
            Middle of each, seconds from the start of the recording, ascending.
        scores : float64 (n_steps, n_labels)
            0 to 1.

        Returns
        -------
        list of Event
            Events that have ended and were not returned before, by their ends.
        """
        return self._take(centres, scores, math.inf)

    def finish(self, duration_s: float, centres: Vector, scores: Vector) -> list[Event]:
        """Take the last steps, there may be none, and the length of the recording, seconds."""
        self.min_s = min(self.min_s, duration_s)
        events = self._take(centres, scores, duration_s)
        left = [self._close(i) for i in list(self._open)]
        return events + sorted((event for event in left if event), key=_by_start)

    def _take(self, centres: Vector, scores: Vector, duration_s: float) -> list[Event]:
        first = len(self._scores) == 0
        centres = np.concatenate([self._centres, centres])
        scores = np.concatenate([self._scores, scores])
        if len(centres) == 0:
            return []
        if first:
            scores = np.concatenate([scores[:1], scores])
        if last := not math.isinf(duration_s):
            scores = np.concatenate([scores, scores[-1:]])
        rights = np.minimum((centres[:-1] + centres[1:]) / 2, duration_s)
        if last:
            rights = np.append(rights, duration_s)
        # a copy: views would keep all that came before
        self._centres, self._scores = centres[len(rights) :].copy(), scores[-2:].copy()
        if len(rights) == 0:
            return []
        return list(self._follow(rights, _median_of_three(scores)))

    def _follow(self, rights: Vector, scores: Vector) -> Iterator[Event]:
        heard = scores >= self.thresholds
        if not self.several:
            heard &= scores.argmax(axis=1)[:, None] == np.arange(len(self.labels))
        for right_s, row, here in zip(map(float, rights), scores, heard, strict=True):
            for i in {*self._open, *map(int, np.flatnonzero(here))}:
                if here[i]:
                    yield from self._hear(i, float(row[i]), right_s)
                else:
                    yield from self._miss(i, float(row[i]), right_s)
            self._edge_s = right_s

    def _hear(self, i: int, score: float, right_s: float) -> Iterator[Event]:
        if i in self._open and self._edge_s - self._open[i].end_s >= self.min_s - _SLACK_S:
            yield from filter(None, [self._close(i)])
        event = self._open.setdefault(i, _Open(self._edge_s, self._edge_s))
        event.end_s = right_s
        event.total += event.gap_total + score
        event.n_steps += event.gap_steps + 1
        event.gap_total, event.gap_steps = 0.0, 0

    def _miss(self, i: int, score: float, right_s: float) -> Iterator[Event]:
        event = self._open[i]
        event.gap_total += score
        event.gap_steps += 1
        if right_s - event.end_s >= self.min_s - _SLACK_S:
            yield from filter(None, [self._close(i)])

    def _close(self, i: int) -> Event | None:
        event = self._open.pop(i)
        if event.end_s - event.start_s < self.min_s - _SLACK_S:
            return None
        return Event(event.start_s, event.end_s, self.labels[i], event.total / event.n_steps)


_SLACK_S = 1e-9  # for how edges were rounded


@dataclass
class _Open:
    """A label that was heard, and whether it is over is not known yet."""

    start_s: float
    end_s: float
    total: float = 0.0  # of the scores up to the end
    n_steps: int = 0
    gap_total: float = 0.0  # of those since
    gap_steps: int = 0


def outside(events: Sequence[Event], silences: Sequence[tuple[float, float]]) -> list[Event]:
    """Return events without the parts of them that lie in silences, which are in order.

    What is left of an event between silences, or after the last one, counts from `LEAST_S` on.
    """
    found = []
    for event in events:
        start_s = event.start_s
        for silent_s, sounds_s in [*silences, (math.inf, math.inf)]:
            if sounds_s <= start_s:
                continue
            end_s = min(silent_s, event.end_s)
            if end_s - start_s >= min(LEAST_S, event.end_s - event.start_s):
                found.append(replace(event, start_s=start_s, end_s=end_s))
            start_s = sounds_s
            if start_s >= event.end_s:
                break
    return found


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return events by start."""
    return sorted(events, key=_by_start)


def _by_start(event: Event) -> tuple[float, float, str]:
    return event.start_s, event.end_s, event.label


def _median_of_three(scores: Vector) -> Vector:
    neighbours = np.stack([scores[:-2], scores[1:-1], scores[2:]])
    medians: Vector = np.median(neighbours, axis=0)
    return medians
