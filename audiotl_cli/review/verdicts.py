"""Verdicts on detections, in a table to which rows are only appended.

The latest verdict on a detection counts, whoever gave it. A row ``undone`` takes back the latest
verdict of the same reviewer, so that the one before counts again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.layouts.annotations import VERDICTS_END
from audiotl_cli.dataset.numbers import parse_number, parse_seconds
from audiotl_cli.dataset.rows import Row
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.review.appended import append_rows, read_appended

COLUMNS = (
    "path",
    "start_s",
    "end_s",
    "label",
    "score",
    "verdict",
    "correct_label",
    "note",
    "reviewer",
    "time",
)
NEEDED = ("path", "start_s", "end_s", "label", "verdict")
"""Columns of a table that is merged; the others may be missing."""

RIGHT, WRONG, OTHER, UNSURE, UNDONE = "right", "wrong", "other", "unsure", "undone"
VERDICTS = (RIGHT, WRONG, OTHER, UNSURE)

Key = tuple[str, float, float, str]


@dataclass(frozen=True)
class Verdict:
    """What a person says of a detection.

    Parameters
    ----------
    path, start_s, end_s, label, score
        Of the detection, as in `Detection`.
    verdict : {"right", "wrong", "other", "unsure", "undone"}
    correct_label : str
        With ``other``, the label that is right.
    note, reviewer : str
    time : str
        ISO 8601, in UTC.
    """

    path: str
    start_s: float
    end_s: float
    label: str
    score: float | None
    verdict: str
    correct_label: str = ""
    note: str = ""
    reviewer: str = ""
    time: str = ""

    @property
    def key(self) -> Key:
        """The detection: path, start and end in seconds, label."""
        return self.path, self.start_s, self.end_s, self.label


@dataclass(frozen=True)
class PrecisionCount:
    """How many verdicts say that detections of a label are right.

    Parameters
    ----------
    n_right, n_wrong, n_unsure : int
        Another label counts as wrong; those that are unsure count for neither.
    """

    n_right: int
    n_wrong: int
    n_unsure: int

    @property
    def precision(self) -> float | None:
        """The share that is right; None without a verdict of right or wrong."""
        n = self.n_right + self.n_wrong
        return self.n_right / n if n else None


@dataclass(frozen=True)
class VerifiedClip:
    """A stretch of a recording to train on.

    Parameters
    ----------
    path : str
    start_s, end_s : float
    label : str
        What is heard; empty if the verdict only says what is not: a hard negative.
    not_label : str
        The label that a model gave wrongly; else empty.
    """

    path: str
    start_s: float
    end_s: float
    label: str
    not_label: str = ""


def verdicts_beside(sources: Sequence[Path]) -> Path:
    """Return where the verdicts on detections lie unless a table is named.

    Raises
    ------
    UsageError
        There are several files of detections.
    """
    if len(sources) != 1:
        raise UsageError("several files of detections: name the table of verdicts with --verdicts")
    return sources[0].with_name(f"{sources[0].stem}{VERDICTS_END}")


def now() -> str:
    """Return the time of a verdict that is given now."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def append_verdicts(table: Path, verdicts: Iterable[Verdict]) -> None:
    """Append verdicts to a table; errors as `append_rows`."""
    rows = [[getattr(verdict, name) for name in COLUMNS] for verdict in verdicts]
    if rows:
        append_rows(table, COLUMNS, rows)


def read_all_verdicts(tables: Sequence[Path], needed: Sequence[str] = COLUMNS) -> list[Verdict]:
    """Return every row of some tables by time, rows that are equal once.

    Raises
    ------
    DataError
        A table lacks a column of `needed`, or a row is wrong; says in which line.
    """
    rows = {_verdict(row): None for table in tables for row in read_appended(table, needed)}
    return sorted(rows, key=lambda verdict: verdict.time)


def merge_verdicts(into: Path, table: Path, reviewer: str) -> list[Verdict]:
    """Append the verdicts of a table that another does not have yet, and return them.

    Rows without a reviewer or a time get this reviewer, and the present time.

    Raises
    ------
    DataError
        There is no such file, or it is no table of verdicts.
    """
    if not table.is_file():
        raise DataError(f"{table}: no such file")
    here = read_all_verdicts([into])
    known = {*here, *(replace(verdict, reviewer="", time="") for verdict in here)}
    added = [
        replace(verdict, reviewer=verdict.reviewer or reviewer, time=verdict.time or now())
        for verdict in read_all_verdicts([table], NEEDED)
        if verdict not in known
    ]
    append_verdicts(into, added)
    return added


def read_verdicts(tables: Sequence[Path]) -> dict[Key, Verdict]:
    """Return the verdict that counts on each detection; see the module, errors as above."""
    return latest(read_all_verdicts(tables))


def latest(verdicts: Iterable[Verdict]) -> dict[Key, Verdict]:
    """Return the verdict that counts on each detection, from verdicts by time."""
    given: dict[Key, list[Verdict]] = {}
    for verdict in verdicts:
        before = given.setdefault(verdict.key, [])
        if verdict.verdict != UNDONE:
            before.append(verdict)
            continue
        own = [at for at, other in enumerate(before) if other.reviewer == verdict.reviewer]
        if own:
            del before[own[-1]]
    return {key: found[-1] for key, found in given.items() if found}


def precision_counts(verdicts: Mapping[Key, Verdict]) -> dict[str, PrecisionCount]:
    """Return what verdicts say of the detections of each label."""
    counts = Counter((verdict.label, verdict.verdict) for verdict in verdicts.values())
    return {
        label: PrecisionCount(
            counts[label, RIGHT],
            counts[label, WRONG] + counts[label, OTHER],
            counts[label, UNSURE],
        )
        for label in sorted({label for label, _ in counts})
    }


def verified_clips(verdicts: Mapping[Key, Verdict]) -> list[VerifiedClip]:
    """Return what a model can learn from verdicts: clips with a label, and hard negatives."""
    clips = []
    for key, verdict in sorted(verdicts.items()):
        path, start_s, end_s, label = key
        if verdict.verdict == RIGHT:
            clips.append(VerifiedClip(path, start_s, end_s, label))
        elif verdict.verdict in (WRONG, OTHER):
            correct = verdict.correct_label
            clips.append(VerifiedClip(path, start_s, end_s, correct, not_label=label))
    return clips


def _verdict(row: Row) -> Verdict:
    cells = {name: plain_cell(row.cells[name]) for name in COLUMNS}
    start, end = (
        parse_seconds(cells[name], row.where, name, delimiter=row.delimiter)
        for name in ("start_s", "end_s")
    )
    if start is None or end is None or not cells["path"] or not cells["label"]:
        raise DataError(f"{row.where}: expected a path, start_s, end_s and a label")
    check_verdict(cells["verdict"], cells["correct_label"], row.where)
    return Verdict(
        cells["path"],
        start,
        end,
        cells["label"],
        parse_number(cells["score"], row.where, "score", delimiter=row.delimiter),
        cells["verdict"],
        cells["correct_label"],
        cells["note"],
        cells["reviewer"],
        _time(cells["time"], row.where),
    )


def check_verdict(verdict: str, correct_label: str, where: str) -> None:
    """Raise `DataError` unless a verdict is known and has a label exactly where it needs one."""
    if verdict not in (*VERDICTS, UNDONE):
        raise DataError(
            f"{where}: the verdict is {verdict!r}; expected {', '.join(VERDICTS[:-1])} or "
            f"{VERDICTS[-1]}"
        )
    if (verdict == OTHER) != bool(correct_label):
        raise DataError(
            f"{where}: the verdict is {verdict!r} and correct_label is {correct_label!r}; "
            "expected a label with other, and only there"
        )


def _time(text: str, where: str) -> str:
    if not text:
        return ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"{where}: time is {text!r}, expected a time such as 2026-05-01T20:15:00+00:00"
        ) from None
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")
