"""Rows of a table about recordings: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from audiotl_cli.dataset.index import LABEL_SEPARATOR
from audiotl_cli.dataset.table import MAX_BYTES, list_columns, open_table, report_assumed_encoding
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.json_files import check_values
from audiotl_cli.storage.paths import AnyPath, open_file, read_file


@dataclass(frozen=True)
class Row:
    """One row: its cells as text, its file and line for messages, and the delimiter, if any."""

    cells: Mapping[str, str]
    where: str
    delimiter: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a header, without its empty rows."""

    path: AnyPath
    columns: list[str]
    rows: list[Row]

    def cells(self, *columns: str) -> list[Mapping[str, str]]:
        """Return the rows of a table that must have these columns, or raise `DataError`."""
        missing = [column for column in columns if column not in self.columns]
        if missing:
            raise DataError(
                f"{self.path} has the columns {list_columns(self.columns)}; expected "
                f"{', '.join(missing)} as well"
            )
        return [row.cells for row in self.rows]


def read_rows(path: AnyPath, *, quotes: bool = True) -> Table:
    """Read a table with a header: commas, semicolons or tabs; JSON lines; or Parquet.

    Lists (several labels a clip) become text joined by ``;``.

    Parameters
    ----------
    path : Path or RemotePath
    quotes : bool
        Whether cells of text may be quoted; otherwise quotes are characters as others.

    Raises
    ------
    DataError
        The file is missing, damaged or no such table; says where.
    UsageError
        It is Parquet, and pyarrow is not installed.
    """
    try:
        if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
            return _read_json(path)
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path)
        return _read_csv(path, csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error


def is_unnamed(column: str) -> bool:
    """Return whether a column has no name in the header, but one by its place."""
    return re.fullmatch(r"(column|Unnamed:) \d+", column) is not None  # the latter by pandas


def _read_csv(path: AnyPath, quoting: Literal[0, 3]) -> Table:
    with open_table(path) as table:
        report_assumed_encoding(path, table)
        reader = csv.reader(table.lines, delimiter=table.delimiter, quoting=quoting, strict=True)
        try:
            header = next(reader, [])
            cells = [
                (table.n_before + reader.line_num, row)
                for row in reader
                if any(map(str.strip, row))
            ]
        except csv.Error as error:
            raise DataError(f"{path}, line {table.n_before + reader.line_num}: {error}") from error
    columns = _columns(path, header, cells)
    rows = [
        Row(
            _Cells({name: row[at].strip() for at, name in columns.items() if at < len(row)}),
            f"{path}, line {line}",
            table.delimiter,
        )
        for line, row in cells
    ]
    return Table(path, list(columns.values()), rows)


def _columns(
    path: AnyPath, header: Sequence[str], cells: Sequence[tuple[int, list[str]]]
) -> dict[int, str]:
    """Return the names of columns by their place; of those without a name, only filled ones."""
    names = [name.strip() for name in header]
    too_long = next(((n, row) for n, row in cells if any(row[len(names) :])), None)
    if too_long and all(len(row) == len(names) + 1 for _, row in cells):
        firsts = [row[0] for _, row in cells]
        if len(set(firsts)) == len(firsts) and all(map(str.isdecimal, firsts)):
            names, too_long = ["", *names], None  # R names rows, and not their column
    if too_long:
        line, row = too_long
        raise DataError(
            f"{path}, line {line} has {len(row)} cells, but the header {len(names)}; cells that "
            "hold the delimiter need quotes"
        )
    unnamed = {at for at, name in enumerate(names) if not name}
    filled = {
        at for _, row in (cells if unnamed else ()) for at, cell in enumerate(row)
        if cell and at in unnamed
    }  # fmt: skip
    columns: dict[int, str] = {}
    n_seen: Counter[str] = Counter()
    for at, name in enumerate(names):
        if at in unnamed and at not in filled:
            continue
        name = name or f"column {at + 1}"
        n_before, n_seen[name] = n_seen[name], n_seen[name] + 1
        columns[at] = f"{name}.{n_before}" if n_before else name  # as pandas has it
    return columns


class _Cells(dict[str, str]):
    """Cells of a row by column; those of a row that ends early are empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _read_json(path: AnyPath) -> Table:
    """Read JSON lines, or an array of objects."""
    try:
        text = read_file(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, byte = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise DataError(
            f"{path} is not JSON in UTF-8: line {line}, byte {byte} is "
            f"{error.object[error.start]:#x}"
        ) from error
    if path.suffix.lower() == ".json" and text.lstrip().startswith("["):
        records = _json(text, str(path))
        rows = [(record, f"{path}, row {n}") for n, record in enumerate(records, start=1)]
    else:
        lines = enumerate(text.splitlines(), start=1)
        wheres = [(line, f"{path}, line {n}") for n, line in lines if line.strip()]
        rows = [(_json(line, where), where) for line, where in wheres]
    for record, where in rows:
        if not isinstance(record, dict):
            raise DataError(f"{where} is {str(record)[:40]!r}, expected an object a line")
        try:
            check_values(record, finite=False)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
    return _table(path, rows)


def _json(text: str, where: str) -> Any:
    try:
        # numbers stay as they are written: the labels 1 and 1.0 are two
        return json.loads(text, parse_float=str, parse_int=lambda digits: str(int(digits)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not JSON: {error}; expected an object a line") from error


def _read_parquet(path: AnyPath) -> Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            f"{path} is Parquet, which needs pyarrow: pip install 'audiotl[parquet]'"
        ) from error
    try:
        with open_file(path) as file:
            # sound inside the table is not read
            schema = parquet.read_schema(file)
            plain = [field.name for field in schema if not _is_bulky(pyarrow, field.type)]
            records = parquet.read_table(file, columns=plain).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise
        raise DataError(f"{path} is not a Parquet file that can be read: {error}") from error
    numbered = enumerate(records, start=1)
    return _table(path, [(record, f"{path}, row {number}") for number, record in numbered])


def _is_bulky(pyarrow: Any, kind: Any) -> bool:
    types = pyarrow.types
    return bool(types.is_struct(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _table(path: AnyPath, records: Iterable[tuple[Mapping[str, Any], str]]) -> Table:
    rows = [
        Row(_Cells({str(name): _text(value) for name, value in record.items()}), where)
        for record, where in records
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    return Table(path, columns, [row for row in rows if any(row.cells.values())])


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | tuple):
        return LABEL_SEPARATOR.join(filter(None, map(_text, value)))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # whole numbers in a column with gaps are read as floats
    return str(value).strip()
