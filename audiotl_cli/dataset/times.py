"""When clips were recorded, from dates in their names, from their files, or from a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.storage.paths import AnyPath, join

_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_./]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])"
    r"(?:(?:[T_ -]?|/(?=\d\d[-_.h]?\d\d[-_.m]?\d\d(?!\d)))"
    r"([01]\d|2[0-3])[-:_.h]?([0-5]\d)(?:[-:_.m]?([0-5]\d))?)?(?!\d)"
)
"""A day such as 20240131 or 2024-01-31, perhaps followed by a time such as 235959 or 23:59. In
paths, folders may hold the parts of a date, or the day of a file that is named by its time with
seconds: four digits may as well be a number."""


def moment(text: str) -> float | None:
    """Return the first date and time in a text as seconds since 1970; None without one.

    Time zones are ignored.
    """
    for match in _DATE.finditer(text):
        year, _, month, day, *rest = match.groups()
        hour, minute, second = (int(part or 0) for part in rest)
        try:
            when = datetime(int(year), int(month), int(day), hour, minute, second, tzinfo=UTC)
        except ValueError:  # such as the 30th of February
            continue
        return when.timestamp()
    return None


def _moment_of_path(path: str) -> float | None:
    """Return the date in a file's name; without one, that in the nearest folder's."""
    parts = path.split("/")
    ends = ("/".join(parts[-n:]) for n in range(1, len(parts) + 1))
    return next((when for end in ends if (when := moment(end)) is not None), None)


def times_from_names(clips: Sequence[Clip]) -> list[float]:
    """Return when clips were recorded, by the date in each file name, else in its folders' names.

    Raises
    ------
    UsageError
        A path has no date.
    """
    found = [_moment_of_path(clip.path) for clip in clips]
    return _all(
        found,
        clips,
        "no date such as 20240131, 2024-01-31 or 20240131_235959 in the names of",
    )


def times_from_files(clips: Sequence[Clip], root: AnyPath) -> list[float]:
    """Return when the files of clips were last modified.

    Raises
    ------
    DataError
        A file is missing.
    """
    try:
        return [join(root, clip.path).stat().st_mtime for clip in clips]
    except OSError as error:
        raise DataError(
            f"--by-time modified: {error.filename} cannot be read ({error.strerror})"
        ) from error


def times_from_column(clips: Sequence[Clip], column: str, texts: Mapping[str, str]) -> list[float]:
    """Return when clips were recorded, by a column of dates, or of numbers in any unit.

    Parameters
    ----------
    clips : sequence of Clip
    column : str
        For messages.
    texts : mapping
        Path to the cell of the column.

    Raises
    ------
    UsageError
        A clip's cell is neither a date nor a number.
    """
    cells = [texts.get(clip.path, "") for clip in clips]
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        found = [moment(cell) for cell in cells]
    return _all(found, clips, f"no date or number in the column {column!r} of")


def _all(found: Sequence[float | None], clips: Sequence[Clip], missing_value: str) -> list[float]:
    missing = [clip.path for clip, time in zip(clips, found, strict=True) if time is None]
    if missing:
        raise UsageError(
            f"--by-time finds {missing_value} {len(missing)} of {len(clips)} clips, such as "
            f"{missing[0]}"
        )
    return [time for time in found if time is not None]
