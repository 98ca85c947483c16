"""Which detections people judged right or wrong, by tables of verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import DataError
from audiotl_cli.review.detections import Detection
from audiotl_cli.review.verdicts import (
    NEEDED,
    OTHER,
    RIGHT,
    WRONG,
    latest,
    read_all_verdicts,
    verdicts_beside,
)


@dataclass(frozen=True)
class Judged:
    """The verdicts that detections have.

    Parameters
    ----------
    right : dict of bool
        Whether detections are right, of those that were judged so or wrong; another label than
        the detection's is wrong.
    n_unmatched : int
        Verdicts on none of the detections.
    """

    right: dict[Detection, bool]
    n_unmatched: int


def find_verdicts(given: Sequence[Path], predictions: Sequence[Path]) -> list[Path]:
    """Return tables of verdicts: those given, else those that lie beside detections.

    Raises
    ------
    DataError
        A table that is given does not exist.
    """
    for table in given:
        if not table.is_file():
            raise DataError(f"{table}: no such file")
    return list(given) or [
        beside for path in predictions if (beside := verdicts_beside([path])).is_file()
    ]


def judge(tables: Sequence[Path], detections: Sequence[Detection]) -> Judged:
    """Return which detections are right by the verdicts that count; see `latest`.

    Raises
    ------
    DataError
        A table is damaged, or lacks a column; says where.
    """
    verdicts = latest(read_all_verdicts(tables, NEEDED))
    by_key = {detection.key: detection for detection in detections}
    right = {
        by_key[key]: verdict.verdict == RIGHT
        for key, verdict in verdicts.items()
        if key in by_key and verdict.verdict in (RIGHT, WRONG, OTHER)
    }
    return Judged(right, sum(key not in by_key for key in verdicts))
