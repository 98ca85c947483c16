"""The rows of an index file, as they are read and written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from audiotl_cli.cells import plain_cell, safe_cell
from audiotl_cli.dataset.numbers import parse_count, parse_number, parse_seconds
from audiotl_cli.dataset.table import OpenTable, list_columns
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.storage.paths import AnyPath, any_path

ROOT_COLUMN = "audio_root"
ROOT_COMMENT = "# audio_root:"

_SECONDS = ("start_s", "end_s")
_COUNTS = ("sample_rate", "channels")
_CODE = "udc[89a-f][0-9a-f]"
_TO_ESCAPE = re.compile(rf"\\+(?={_CODE}|[\udc80-\udcff])")
_ESCAPED = re.compile(rf"(\\+)({_CODE})")


class Where(NamedTuple):
    """A line of a file, made into text only when a message needs it."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


@dataclass
class IndexRows:
    """Reads the rows of an index, and what their paths are relative to.

    Parameters
    ----------
    path : Path
    table : OpenTable
    columns : sequence of str
        Those of an index.
    """

    path: Path
    table: OpenTable
    columns: Sequence[str]
    _roots: dict[str, Where] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], Where]]:
        """Yield the values of each row by column, and where it is; errors as `Index.read`."""
        table = self.table
        rows = csv.reader(table.lines, delimiter=table.delimiter, strict=True)
        try:
            header = self._header(next(rows, []))
            places = [(name, at) for at, name in enumerate(header) if name in self.columns]
            of_root = header.index(ROOT_COLUMN) if ROOT_COLUMN in header else len(header)
            last_root = ""
            for row in rows:
                if not any(row):  # spreadsheets save rows of empty cells
                    continue
                where = Where(self.path, table.n_before + rows.line_num)
                if any(row[len(header) :]):
                    raise DataError(f"{where}: more cells than the header has columns")
                yield _values(row, places, where, table.delimiter), where
                root = row[of_root] if of_root < len(row) else ""
                if root and root != last_root:
                    self._roots.setdefault(_plain(root), where)
                    last_root = root
        except csv.Error as error:
            raise DataError(
                f"{self.path}, line {table.n_before + rows.line_num}: {error}"
            ) from error

    def root(self) -> AnyPath:
        """Return what paths are relative to, once all rows are read."""
        if len(self._roots) > 1:
            (one, first), (other, second), *_ = self._roots.items()
            raise DataError(
                f"{second}: audio_root is {other!r}, but {one!r} in line {first.line}; expected "
                "the same in every row"
            )
        for number, comment in enumerate(self.table.comments, start=1):
            if comment.startswith(ROOT_COMMENT):  # of indexes made by audiotl 0.1
                text = plain_cell(comment).removeprefix(ROOT_COMMENT).strip()
                self._roots.setdefault(text, Where(self.path, number))
        if not self._roots:
            return self.path.parent
        text, where = next(iter(self._roots.items()))
        try:
            return any_path(text)
        except UsageError as error:  # it was not typed, but read from a file
            raise DataError(f"{where}: audio_root is {error}") from error

    def _header(self, row: Sequence[str]) -> list[str]:
        header = [name.strip() for name in row]
        if "path" not in header:
            raise DataError(
                f"{self.path}: its header is {list_columns(header, ',') if header else 'empty'}; "
                f"expected at least a column 'path' (all columns: {','.join(self.columns)})"
            )
        known = (*self.columns, ROOT_COLUMN)
        twice = [name for name, n in Counter(header).items() if n > 1 and name in known]
        if twice:
            raise DataError(f"{self.path} has several columns {twice[0]!r}; expected one")
        return header


def format_row(values: Iterable[object]) -> str:
    """Return a line of an index, whose cells give the same values when they are read."""
    # a writer quotes only line breaks that are its own: so it gets both, and one is taken off
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(map(_cell, values))
    return text.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: object) -> str:
    if isinstance(value, str):
        return str(safe_cell(_escaped(value)))
    return "" if value is None else str(value).removesuffix(".0" * isinstance(value, float))


def _escaped(text: str) -> str:
    r"""Write bytes of names that are not UTF-8 as ``\udcff``; `_plain` reverses this."""
    if text.isascii() and "\\" not in text:
        return text
    text = _TO_ESCAPE.sub(lambda found: 2 * found[0], text)
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(cell: str) -> str:
    text = plain_cell(cell) if "'" in cell else cell
    return _ESCAPED.sub(_unescaped, text) if "\\udc" in text else text


def _unescaped(found: re.Match[str]) -> str:
    backslashes, code = found.groups()
    half, is_byte = divmod(len(backslashes), 2)
    return half * "\\" + (chr(int(code[1:], 16)) if is_byte else code)


def _values(
    row: Sequence[str], places: Sequence[tuple[str, int]], where: Where, delimiter: str
) -> dict[str, Any]:
    values: dict[str, Any] = {"path": ""}
    for column, at in places:
        if at >= len(row) or not (text := row[at]):
            continue
        text = _plain(text)
        if column == "path":
            values[column] = text
        elif text := text.strip():
            values[column] = _value(text, column, where, delimiter)
    return values


def _value(text: str, column: str, where: Where, delimiter: str) -> str | float | None:
    if column in _SECONDS:
        return parse_seconds(text, where, column, delimiter=delimiter)
    if column in _COUNTS:
        return parse_count(text, where, column)
    if column == "duration_s":
        return parse_number(text, where, column, delimiter=delimiter)
    return text
