"""Turn the scores of frames along a recording into events, by a model of events."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.inference.events import Event, EventOptions
from audiotl_cli.inference.viterbi import Viterbi

Vector = npt.NDArray[np.float64]

SMALLEST = 1e-6
"""A score that is lower counts as this one, so that a single frame does not decide alone."""

_SLACK_S = 1e-9


class EventDecoder:
    """Finds the events of one recording in the scores of its frames, which come bit by bit.

    A frame speaks for what is nearer to it than to its neighbours; the first and the last reach
    to the ends of the recording. The likeliest sequence of labels has the events; where frames
    may have several labels, each label has a sequence of its own. Memory does not grow with the
    recording, and events do not depend on the bits.

    Parameters
    ----------
    labels : sequence of str
    settings : EventSettings
    options : EventOptions
    several : bool
        Whether frames may have several labels.
    """

    def __init__(
        self,
        labels: Sequence[str],
        settings: EventSettings,
        options: EventOptions,
        *,
        several: bool = False,
    ) -> None:
        self.options = options
        self.several = several
        cost = settings.switch_cost
        self.weight = settings.weight
        self._tracks = (
            [_Track(["", label], cost) for label in labels] if several else [_Track(labels, cost)]
        )
        self._centres = np.empty(0)  # of the last frame, whose right neighbour has not come
        self._scores = np.empty((0, len(labels)))

    def add(self, centres: Vector, scores: Vector) -> list[Event]:
        """Take the next frames; see `EventFinder.add`."""
        centres = np.concatenate([self._centres, centres])
        scores = np.concatenate([self._scores, scores])
        self._centres, self._scores = centres[-1:].copy(), scores[-1:].copy()
        if len(centres) < 2:
            return []
        return self._take((centres[:-1] + centres[1:]) / 2, scores[:-1])

    def finish(self, duration_s: float, centres: Vector, scores: Vector) -> list[Event]:
        """Take the last frames, there may be none, and the length of the recording, seconds."""
        events = self.add(centres, scores)
        if len(self._centres):
            events += self._take(np.array([duration_s]), self._scores)
        for track in self._tracks:
            events += self._kept(track.finish())
        within = (_within(event, duration_s) for event in events)
        return sorted(
            (event for event in within if event.end_s - event.start_s > _SLACK_S),
            key=lambda event: (event.start_s, event.end_s, event.label),
        )

    def _take(self, rights: Vector, scores: Vector) -> list[Event]:
        events: list[Event] = []
        for i, track in enumerate(self._tracks):
            here = scores[:, i]
            rows = np.stack([1 - here, here], axis=1) if self.several else scores
            gains = self.weight * np.log(np.maximum(rows, SMALLEST))
            events += self._kept(track.take(rights, rows, gains))
        return events

    def _kept(self, events: Sequence[Event]) -> list[Event]:
        least = self.options.min_s or 0.0
        return [
            event
            for event in events
            if event.score >= self.options.of(event.label, 0.0)
            and event.end_s - event.start_s >= least - _SLACK_S
        ]


class _Track:
    """A sequence of labels, and the events in it; the empty label is none."""

    def __init__(self, labels: Sequence[str], switch_cost: float) -> None:
        self.labels = labels
        self._viterbi = Viterbi(switch_cost)
        self._waiting: deque[tuple[float, Vector]] = deque()  # right edge and scores
        self._state = -1
        self._start_s = self._edge_s = 0.0
        self._total, self._n = 0.0, 0

    def take(self, rights: Vector, rows: Vector, gains: Vector) -> list[Event]:
        self._waiting.extend(zip(map(float, rights), rows, strict=True))
        return self._follow(self._viterbi.add(gains))

    def finish(self) -> list[Event]:
        return [*self._follow(self._viterbi.finish()), *self._close()]

    def _follow(self, states: npt.NDArray[np.intp]) -> list[Event]:
        events: list[Event] = []
        for state in states.tolist():
            right_s, row = self._waiting.popleft()
            if state != self._state:
                events += self._close()
                self._state, self._start_s = state, self._edge_s
                self._total, self._n = 0.0, 0
            self._total += float(row[state])
            self._n += 1
            self._edge_s = right_s
        return events

    def _close(self) -> list[Event]:
        if self._state < 0 or not self.labels[self._state] or not self._n:
            return []
        label = self.labels[self._state]
        return [Event(self._start_s, self._edge_s, label, self._total / self._n)]


def _within(event: Event, duration_s: float) -> Event:
    """Return an event, whose last frame may have its middle beyond the end, up to the end."""
    end_s = min(event.end_s, duration_s)
    return Event(min(event.start_s, end_s), end_s, event.label, event.score)
