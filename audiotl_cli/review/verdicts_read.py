"""Read what people judged of detections: a table with a verdict a row, the last one counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.numbers import parse_number
from audiotl_cli.dataset.rows import read_rows
from audiotl_cli.errors import DataError
from audiotl_cli.review.detections import Detection

RIGHT = ("right", "correct", "true", "yes", "1")
WRONG = ("wrong", "incorrect", "false", "no", "0", "other", "other label")
UNDECIDED = ("unsure", "")
"""Verdicts, in any case of letters."""

COLUMNS = ("path", "start_s", "end_s", "label", "verdict")

Key = tuple[str, str, float, float]


@dataclass(frozen=True)
class Judged:
    """The verdicts that detections have.

    Parameters
    ----------
    verdicts : dict
        Whether detections are right.
    n_unsure : int
        Detections that were judged and left undecided.
    n_unmatched : int
        Verdicts on none of the detections.
    """

    verdicts: dict[Detection, bool]
    n_unsure: int = 0
    n_unmatched: int = 0


def key_of(detection: Detection) -> Key:
    """Return what a verdict is on: a label in a stretch of a recording, to a millisecond."""
    return detection.path, detection.label, round(detection.start_s, 3), round(detection.end_s, 3)


def read_verdicts(files: Iterable[Path], detections: Iterable[Detection]) -> Judged:
    """Read tables of verdicts; of several on a detection the last counts.

    Another label than the detection's (``other``) is counted as wrong.

    Raises
    ------
    DataError
        A table is missing, damaged, lacks a column, or holds another verdict; says where.
    """
    found: dict[Key, str] = {}
    for file in files:
        table = read_rows(file)
        table.cells(*COLUMNS)
        for row in table.rows:
            verdict = row.cells["verdict"].lower()
            if verdict not in (*RIGHT, *WRONG, *UNDECIDED):
                raise DataError(
                    f"{row.where}: verdict is {verdict!r}, expected right, wrong, other or unsure"
                )
            bounds = [parse_number(row.cells[name], row.where, name) for name in COLUMNS[1:3]]
            start_s, end_s = (0.0 if value is None else value for value in bounds)
            path, label = (plain_cell(row.cells[name]) for name in ("path", "label"))
            found[path, label, round(start_s, 3), round(end_s, 3)] = verdict
    known = {key_of(detection): detection for detection in detections}
    judged = {known[key]: verdict for key, verdict in found.items() if key in known}
    return Judged(
        {detection: verdict in RIGHT for detection, verdict in judged.items()
         if verdict not in UNDECIDED},
        sum(verdict in UNDECIDED for verdict in judged.values()),
        len(found) - len(judged),
    )  # fmt: skip
