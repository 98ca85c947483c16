"""Tables as people and spreadsheets save them: with commas, semicolons or tabs, and comments."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeVar

from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, open_file, read_file

DELIMITERS = ",;\t"

Number = TypeVar("Number", int, float)

MAX_BYTES = 1 << 30
MAX_LINES = 5_000_000
MAX_LINE = 1 << 20
MAX_COLUMNS = 10_000
"""Limits of a table: far above any real one, so that a hostile file cannot fill the memory."""

_N_NAMES, _NAME = 20, 40
"""Columns that a message lists at most, and characters of each."""


@dataclass(frozen=True)
class OpenTable:
    """A table that is read line by line.

    Parameters
    ----------
    comments : list of str
        The lines before the header that begin with ``#``, as they were before a spreadsheet
        quoted them and filled them up with empty cells.
    lines : iterator of str
        The rest with its line ends, from the header on. Bytes that are no UTF-8 are kept as they
        are (``surrogateescape``).
    delimiter : str
        One of `DELIMITERS`: the one found most often in the header.
    """

    comments: list[str]
    lines: Iterator[str]
    delimiter: str


@contextmanager
def open_table(path: AnyPath, data: bytes | None = None) -> Iterator[OpenTable]:
    """Open a table; reading takes no more memory than its longest line, at most `MAX_LINE`.

    Parameters
    ----------
    path : Path or RemotePath
    data : bytes, optional
        Its content, where that has been read already.

    Raises
    ------
    DataError
        The file cannot be read, is no text, or is far larger than tables are; also raised where
        lines are read.
    FileNotFoundError
        There is no such file.
    """
    lines = _lines(path, data)
    comments = []
    header = next(lines, "")
    while header.startswith(("#", '"#')):
        comments.append(header.rstrip("\r\n"))
        header = next(lines, "")
    delimiter = max(DELIMITERS, key=header.count)
    n_columns = header.count(delimiter) + 1
    if n_columns > MAX_COLUMNS:
        raise DataError(f"{path} has {n_columns:,} columns; expected at most {MAX_COLUMNS:,}")
    try:
        yield OpenTable(
            [_comment(line, delimiter, n_columns) for line in comments],
            chain([header], lines),
            delimiter,
        )
    finally:
        lines.close()


def list_columns(columns: Sequence[str], separator: str = ", ") -> str:
    """Return the names of columns for a message: not all, where there are many or long ones."""
    names = [name if len(name) <= _NAME else f"{name[:_NAME]}..." for name in columns[:_N_NAMES]]
    more = [f"... ({len(columns):,} columns)"] if len(columns) > _N_NAMES else []
    return separator.join([*names, *more]) or "(none)"


def parse_number(kind: Callable[[str], Number], text: str, where: object, name: str) -> Number:
    """Return a cell as a finite number.

    Parameters
    ----------
    kind : callable
        ``int`` or ``float``.
    text : str
    where : object
        The file and the line, for messages.
    name : str
        Of the column, for messages.

    Raises
    ------
    DataError
        It is not such a number.
    """
    try:
        number = kind(text)
    except ValueError as error:
        raise DataError(f"{where}: {name} is {text!r}, expected a number") from error
    if not math.isfinite(number):
        raise DataError(f"{where}: {name} is {text!r}, expected a finite number")
    return number


def _lines(path: AnyPath, data: bytes | None) -> Generator[str]:
    try:
        with _open(path, data) as file:
            for number in range(1, MAX_LINES + 2):
                line = file.readline(MAX_LINE + 1)
                if not line:
                    return
                if "\0" in line:
                    raise DataError(
                        f"{path} is not a CSV file: it holds binary data in line {number}; "
                        "expected text, saved as UTF-8"
                    )
                if len(line) > MAX_LINE:
                    raise DataError(
                        f"{path}, line {number} is longer than {MAX_LINE:,} characters; expected "
                        "a line for each clip"
                    )
                yield line
        raise DataError(f"{path} has more than {MAX_LINES:,} lines; split it into several tables")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error


def _open(path: AnyPath, data: bytes | None) -> io.TextIOWrapper:
    if data is None and not isinstance(path, Path):  # one request for the whole table
        data = read_file(path, MAX_BYTES)
    if data is not None:
        file: BinaryIO = io.BytesIO(data)
    else:
        file = open_file(path)
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _comment(line: str, delimiter: str, n_columns: int) -> str:
    """Return a comment as it was before a spreadsheet split or quoted it."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return line
    if line.startswith('"') or len(cells) == n_columns > 1:
        return ",".join(cells).rstrip(",")  # spreadsheets cut it at commas
    return line
