"""Tables as people and spreadsheets save them: with commas, semicolons or tabs, and comments."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from audiotl_cli.dataset.encoding import WINDOWS, find_encoding
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, open_file, read_file

logger = logging.getLogger(__name__)

DELIMITERS = ",;\t|"

_COMMENT = ("#", '"#')

_SEPARATOR = re.compile(r'"?sep=(?P<delimiter>\\t|[,;\t|: ])"?[,;\t|]*[\r\n]*', re.IGNORECASE)
"""A first line that names the delimiter to Excel."""

_DOCUMENTS = {
    b"PK\x03\x04": "a workbook or an archive", b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed", b"%PDF": "a PDF",
}  # fmt: skip

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
        The rest with its line ends, from the header on.
    delimiter : str
        The one that a line ``sep=`` names, else that of `DELIMITERS` which gives the header most
        cells.
    encoding : str
        See `encoding.find_encoding`.
    n_before : int
        The number of lines before the header.
    """

    comments: list[str]
    lines: Iterator[str]
    delimiter: str
    encoding: str
    n_before: int


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
    try:
        with _open(path, data) as file:
            lines = _lines(path, file)
            before, header, delimiter = read_start(lines)
            n_columns = header.count(delimiter) + 1
            if n_columns > MAX_COLUMNS:
                raise DataError(
                    f"{path} has {n_columns:,} columns; expected at most {MAX_COLUMNS:,}"
                )
            comments = [line.rstrip("\r\n") for line in before if line.startswith(_COMMENT)]
            yield OpenTable(
                [_comment(line, delimiter, n_columns) for line in comments],
                chain([header], lines),
                delimiter,
                file.encoding,
                len(before),
            )
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error


def report_assumed_encoding(path: AnyPath, table: OpenTable) -> None:
    """Log that a table is read in an encoding that was only assumed."""
    if table.encoding == WINDOWS:
        logger.info(
            "%s is not UTF-8; it is read as Windows-1252 (Western European). If letters are wrong, "
            "save it as UTF-8",
            path,
        )


def read_start(lines: Iterator[str]) -> tuple[list[str], str, str]:
    """Read the comments and the header of a table.

    Returns
    -------
    before : list of str
        Comments, and the line ``sep=``.
    header : str
    delimiter : str
    """
    before: list[str] = []
    delimiter = ""
    for line in lines:
        named = _SEPARATOR.fullmatch(line)
        if named:
            delimiter = named["delimiter"].replace("\\t", "\t")
        elif not line.startswith(_COMMENT):
            unquoted = re.sub(r'"[^"]*"', "", line)
            return before, line, delimiter or max(DELIMITERS, key=unquoted.count)
        before.append(line)
    return before, "", delimiter or DELIMITERS[0]


def list_columns(columns: Sequence[str], separator: str = ", ") -> str:
    """Return the names of columns for a message: not all, where there are many or long ones."""
    names = [name if len(name) <= _NAME else f"{name[:_NAME]}..." for name in columns[:_N_NAMES]]
    more = [f"... ({len(columns):,} columns)"] if len(columns) > _N_NAMES else []
    return separator.join([*names, *more]) or "(none)"


def _lines(path: AnyPath, file: io.TextIOWrapper) -> Generator[str]:
    number = 0
    try:
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
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {number}: the text after it is damaged {file.encoding.upper()}; save "
            "the table as UTF-8"
        ) from error
    raise DataError(f"{path} has more than {MAX_LINES:,} lines; split it into several tables")


@contextmanager
def _open(path: AnyPath, data: bytes | None) -> Iterator[io.TextIOWrapper]:
    if data is None and not isinstance(path, Path):  # one request for the whole table
        data = read_file(path, MAX_BYTES)
    binary: BinaryIO = io.BytesIO(data) if data is not None else open_file(path)
    with binary:
        _refuse_documents(path, binary)
        encoding = find_encoding(binary, path, MAX_LINE)
        with io.TextIOWrapper(binary, encoding=encoding, newline="") as file:
            yield file


def _refuse_documents(path: AnyPath, file: BinaryIO) -> None:
    first = file.read(8)
    file.seek(0)
    for mark, kind in _DOCUMENTS.items():
        if first.startswith(mark):
            raise DataError(f"{path} is {kind}, not a table as text; save it as CSV (UTF-8)")


def _comment(line: str, delimiter: str, n_columns: int) -> str:
    """Return a comment as it was before a spreadsheet split or quoted it."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return line
    if line.startswith('"') or len(cells) == n_columns > 1:
        return ",".join(cells).rstrip(",")  # spreadsheets cut it at commas
    return line
