"""What a summary of detections says: counts by label, hour, day, night and site, and of what."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from audiotl_cli.cells import csv_text
from audiotl_cli.left_out import LeftOut
from audiotl_cli.review.counts import GROUPS, Count, Tally
from audiotl_cli.review.recordings import Recording

DIGITS = 4


@dataclass(frozen=True)
class Summary:
    """Detections by label, hour, day, night and site.

    Parameters
    ----------
    tally : Tally
    recordings : dict of Recording
        Those that were searched, by path.
    sites_from : str
        What tells sites apart; empty where nothing does.
    zone : str
        Of the times, in words.
    n_verdicts : int
        Detections that a person judged right or wrong.
    warnings : list of str
        Reasons to doubt the counts.
    left_out : list of LeftOut
        What is not counted.
    """

    tally: Tally
    recordings: Mapping[str, Recording]
    sites_from: str
    zone: str
    n_verdicts: int
    warnings: Sequence[str]
    left_out: Sequence[LeftOut]

    @property
    def n_detections(self) -> int:
        """Detections counted."""
        return sum(sum(self.tally.cells(label).values()) for label in self.tally.labels)

    @property
    def hours(self) -> float:
        """Hours recorded; ``nan`` where the length of a recording is not known."""
        return sum(self.tally.effort.values()) / 3600

    @property
    def sites(self) -> list[str]:
        """The sites by name."""
        return sorted({recording.site for recording in self.recordings.values()})

    @property
    def times_from(self) -> Counter[str]:
        """In how many recordings the time comes from where; empty text where it is not known."""
        return Counter(recording.source for recording in self.recordings.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON has it."""
        return {
            "n_detections": self.n_detections,
            "n_recordings": len(self.recordings),
            "hours": _number(self.hours),
            "zone": self.zone,
            "times_from": {name or "unknown": n for name, n in sorted(self.times_from.items())},
            "sites": self.sites,
            "sites_from": self.sites_from or None,
            "n_verdicts": self.n_verdicts,
            **{f"by_{name}": _records(self.tally, name) for name in GROUPS},
            "warnings": list(self.warnings),
            "left_out": [
                {"reason": group.reason, "n": group.n, "unit": group.unit,
                 "examples": list(group.examples)}
                for group in self.left_out
            ],
        }  # fmt: skip


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)


def _text(group: object) -> object:
    return group.isoformat() if isinstance(group, date) else group


def _records(tally: Tally, name: str) -> list[dict[str, Any]]:
    return [_record(name, count) for count in tally.by(name)]


def _record(name: str, count: Count) -> dict[str, Any]:
    """Return a count as an object; its keys are the columns of the tables."""
    estimate = count.estimate
    first = {} if name == "label" else {name: _text(count.group)}
    return {
        **first,
        "label": count.label,
        "n": count.n,
        "hours": _number(count.hours),
        "per_hour": _number(count.per_hour),
        "n_right": count.n_right,
        "n_wrong": count.n_wrong,
        "estimate": None if estimate is None else round(estimate.n, 2),
        "estimate_low": None if estimate is None else round(estimate.low, 2),
        "estimate_high": None if estimate is None else round(estimate.high, 2),
    }


def tables(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every table of a summary."""
    for name in GROUPS:
        records = _records(summary.tally, name)
        columns = list(_record(name, Count("", "", 0, 0.0, 0, 0, None)))
        yield f"by_{name}.csv", csv_text([columns, *(record.values() for record in records)])
    yield "counts.csv", csv_text(_counts(summary.tally))
    yield "effort.csv", csv_text(_effort(summary.tally))
    yield "recordings.csv", csv_text(_recordings(summary.recordings))


TABLES = (*(f"by_{name}.csv" for name in GROUPS), "counts.csv", "effort.csv", "recordings.csv")


def _counts(tally: Tally) -> Iterator[Sequence[object]]:
    """Yield the hours of every site with detections; those without are in the effort alone."""
    yield "site", "day", "night", "hour", "label", "n"
    for label in tally.labels:
        found = tally.cells(label)
        for cell in sorted(found, key=str):
            yield cell.site, _text(cell.day), _text(cell.night), cell.clock, label, found[cell]


def _effort(tally: Tally) -> Iterator[Sequence[object]]:
    yield "site", "day", "night", "hour", "hours"
    for cell in sorted(tally.effort, key=str):
        hours = _number(tally.effort[cell] / 3600)
        yield cell.site, _text(cell.day), _text(cell.night), cell.clock, hours


def _recordings(recordings: Mapping[str, Recording]) -> Iterator[Sequence[object]]:
    yield "path", "site", "time", "time_from", "duration_s", "error"
    for recording in recordings.values():
        time = _clock(recording.when)
        length = _number(recording.duration_s)
        yield recording.path, recording.site, time, recording.source, length, recording.missing


def _clock(when: datetime | None) -> str:
    return "" if when is None else when.isoformat(timespec="seconds")
