"""Count detections and hours recorded, by hour, day, night and site."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from audiotl_cli.review.detections import Detection
from audiotl_cli.review.precision import MIN_JUDGED, Estimate, LabelPrecision
from audiotl_cli.review.recordings import Recording

NOON = timedelta(hours=12)


@dataclass(frozen=True, order=True)
class Cell:
    """An hour of a day at a site.

    Parameters
    ----------
    site : str
    day : date or None
        None where nothing says when a recording began.
    hour : int
        0 to 23, by the clock that is shown; -1 without a day.
    """

    site: str
    day: date | None
    hour: int

    @property
    def night(self) -> date | None:
        """The day on whose evening the night began: nights are from noon to noon."""
        before_noon = timedelta(days=self.hour < NOON.seconds // 3600)
        return None if self.day is None else self.day - before_noon

    @property
    def clock(self) -> int | None:
        """The hour; None where it is not known."""
        return None if self.day is None else self.hour


GROUPS: dict[str, Callable[[Cell], object]] = {
    "label": lambda cell: "",
    "hour": lambda cell: cell.clock,
    "day": lambda cell: cell.day,
    "night": lambda cell: cell.night,
    "site": lambda cell: cell.site,
}
"""What detections are counted by, and what of a cell that is; None is an unknown time."""


@dataclass(frozen=True)
class Count:
    """The detections of a label in a group.

    Parameters
    ----------
    group : object
        The hour, the day, the night or the site; None where the time is not known.
    label : str
    n : int
        Detections.
    hours : float
        Hours recorded in the group; ``nan`` where the length of a recording is not known.
    n_right, n_wrong : int
        Detections that a person judged so.
    estimate : Estimate or None
        How many detections are right; None without enough verdicts on the label.
    """

    group: object
    label: str
    n: int
    hours: float
    n_right: int
    n_wrong: int
    estimate: Estimate | None

    @property
    def per_hour(self) -> float:
        """Detections in an hour recorded; ``nan`` where that is not known."""
        return self.n / self.hours if self.hours > 0 else math.nan


def place_of(detection: Detection) -> str:
    """Return where the recording of a detection is, or what it is called if it was not found."""
    return str(detection.recording or Path(detection.path))


class Tally:
    """Detections and hours recorded, by cell.

    Parameters
    ----------
    detections : iterable of Detection
    verdicts : mapping
        Whether detections are right, by those that a person judged so or wrong.
    recordings : mapping of Recording
        By `place_of`; every detection's is among them.

    Attributes
    ----------
    labels : list of str
    effort : dict
        Seconds recorded, by cell; ``nan`` where the length of a recording is not known.
    """

    def __init__(
        self,
        detections: Iterable[Detection],
        verdicts: Mapping[Detection, bool],
        recordings: Mapping[str, Recording],
    ) -> None:
        self.effort: dict[Cell, float] = defaultdict(float)
        for recording in recordings.values():
            for cell, seconds in _hours_of(recording):
                self.effort[cell] += seconds
        found: dict[str, list[tuple[Cell, float, bool | None]]] = defaultdict(list)
        for detection in detections:
            cell = _cell_of(recordings[place_of(detection)], detection.start_s)
            verdict = verdicts.get(detection)
            found[detection.label].append((cell, detection.score or 0.0, verdict))
        self.labels = sorted(found)
        self.precisions = {label: _precision(found[label]) for label in self.labels}
        self._counted: dict[str, Sequence[Count]] = {}
        self._cells = {label: self._by_cell(label, found[label]) for label in self.labels}

    def _by_cell(
        self, label: str, found: Sequence[tuple[Cell, float, bool | None]]
    ) -> dict[Cell, np.ndarray]:
        """Return how many were judged right, wrong, and not judged by band, in every cell."""
        precision = self.precisions[label]
        scores = [score for _, score, _ in found]
        bands = np.zeros(len(found), int) if precision is None else precision.bands_of(scores)
        n_bands = 1 if precision is None else precision.n_bands
        cells: dict[Cell, np.ndarray] = defaultdict(lambda: np.zeros(2 + n_bands, np.int64))
        for (cell, _, verdict), band in zip(found, bands.tolist(), strict=True):
            cells[cell][2 + band if verdict is None else int(not verdict)] += 1
        return dict(cells)

    def cells(self, label: str) -> dict[Cell, int]:
        """Return how many detections of a label there are in each cell that has some."""
        return {cell: int(counts.sum()) for cell, counts in self._cells[label].items()}

    def by(self, name: str) -> Sequence[Count]:
        """Return what is counted by a group, every label in every group with hours recorded.

        Parameters
        ----------
        name : str
            One of `GROUPS`.
        """
        if name not in self._counted:  # several tables and the page have it
            self._counted[name] = self._count_by(GROUPS[name])
        return self._counted[name]

    def _count_by(self, group_of: Callable[[Cell], object]) -> list[Count]:
        hours: dict[object, float] = defaultdict(float)
        for cell, seconds in self.effort.items():
            hours[group_of(cell)] += seconds / 3600
        found = []
        for label in self.labels:
            totals: dict[object, np.ndarray] = {}
            for cell, counts in self._cells[label].items():
                group = group_of(cell)
                totals[group] = totals.get(group, 0) + counts
            for group in sorted(hours.keys() | totals.keys(), key=_order):
                counts = totals.get(group, np.zeros(3, np.int64))
                found.append(self._count(group, label, counts, hours.get(group, 0.0)))
        return sorted(found, key=lambda count: (_order(count.group), count.label))

    def _count(self, group: object, label: str, counts: np.ndarray, hours: float) -> Count:
        precision = self.precisions[label]
        n_right, n_wrong, *unjudged = counts.tolist()
        estimate = None
        if precision is not None:
            n_unjudged = unjudged if sum(unjudged) else [0] * precision.n_bands
            estimate = precision.estimate(n_right, n_unjudged)
        return Count(group, label, int(counts.sum()), hours, n_right, n_wrong, estimate)


def _order(group: object) -> tuple[bool, int, str]:
    """Return where a group stands: hours by number, days and sites by name, None at the end."""
    return group is None, group if isinstance(group, int) else 0, str(group)


def _precision(found: Sequence[tuple[Cell, float, bool | None]]) -> LabelPrecision | None:
    judged = [(score, verdict) for _, score, verdict in found if verdict is not None]
    if len(judged) < MIN_JUDGED:
        return None
    scores, right = zip(*judged, strict=True)
    return LabelPrecision([score for _, score, _ in found], scores, right)


def clock_at(when: datetime, seconds: float) -> datetime:
    """Return what the clock shows some seconds after a time, also where its zone changes to summer.

    Python adds to the clock; so it is done in UTC.
    """
    if when.tzinfo is None:
        return when + timedelta(seconds=seconds)
    return datetime.fromtimestamp(when.timestamp() + seconds, when.tzinfo)


def _cell_of(recording: Recording, start_s: float) -> Cell:
    if recording.when is None:
        return Cell(recording.site, None, -1)
    clock = clock_at(recording.when, start_s)
    return Cell(recording.site, clock.date(), clock.hour)


def _hours_of(recording: Recording) -> Iterator[tuple[Cell, float]]:
    """Yield the seconds of a recording in every hour of the clock."""
    if recording.when is None or math.isnan(recording.duration_s):
        yield _cell_of(recording, 0.0), recording.duration_s
        return
    done = 0.0
    while done < recording.duration_s:
        clock = clock_at(recording.when, done)
        left = 3600 - (clock.minute * 60 + clock.second + clock.microsecond / 1e6)
        part = min(left, recording.duration_s - done)
        yield Cell(recording.site, clock.date(), clock.hour), part
        done += max(part, 1e-6)


def overlaps(recordings: Iterable[Recording]) -> Iterator[tuple[Recording, Recording, float]]:
    """Yield recordings of one site that overlap in time by more than a second, and by how much."""
    by_site: dict[tuple[str, bool], list[Recording]] = defaultdict(list)
    for recording in recordings:
        if recording.when is not None and not math.isnan(recording.duration_s):
            by_site[recording.site, recording.when.tzinfo is None].append(recording)
    for found in by_site.values():
        ordered = sorted(found, key=lambda item: (_moment(item), item.path))
        last, end = None, -math.inf
        for recording in ordered:
            begin = _moment(recording)
            if last is not None and end - begin > 1:
                yield last, recording, min(end, begin + recording.duration_s) - begin
            if begin + recording.duration_s > end:
                last, end = recording, begin + recording.duration_s


def _moment(recording: Recording) -> float:
    assert recording.when is not None
    when = recording.when
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def zones_of(recordings: Iterable[Recording]) -> Counter[str]:
    """Return in how many recordings the time is in which zone; empty text where none is known."""
    zones: Counter[str] = Counter()
    for recording in recordings:
        if recording.when is not None:
            zones[recording.when.tzname() or ""] += 1
    return zones
