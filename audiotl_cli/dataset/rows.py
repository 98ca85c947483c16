"""Rows of a table about recordings: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audiotl_cli.dataset.index import LABEL_SEPARATOR
from audiotl_cli.dataset.table import MAX_BYTES, list_columns, open_table, report_assumed_encoding
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.json_files import check_values
from audiotl_cli.storage.paths import AnyPath, open_file, read_file

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True)
class Row:
    """One row: its cells as text, and its file and line, for messages."""

    cells: Mapping[str, str]
    where: str


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


def read_rows(path: AnyPath) -> Table:
    """Read a table with a header: commas, semicolons or tabs; JSON lines; or Parquet.

    Lists (several labels a clip) become text joined by ``;``.

    Raises
    ------
    DataError
        The file is missing, damaged or no such table; says where.
    UsageError
        It is Parquet, and pyarrow is not installed.
    """
    try:
        if path.suffix.lower() in (".jsonl", ".ndjson"):
            return _read_jsonl(path)
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path)
        return _read_csv(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error


def _read_csv(path: AnyPath) -> Table:
    with open_table(path) as table:
        report_assumed_encoding(path, table)
        reader = csv.reader(table.lines, delimiter=table.delimiter)
        n_before = table.n_before
        try:
            columns = next(reader, [])
            rows = [
                Row(
                    # cells beyond the last column have no name
                    _Cells(zip(columns, map(str.strip, row), strict=False)),
                    f"{path}, line {n_before + reader.line_num}",
                )
                for row in reader
                if any(row)
            ]
        except csv.Error as error:
            raise DataError(f"{path}, line {n_before + reader.line_num}: {error}") from error
    return Table(path, columns, rows)


class _Cells(dict[str, str]):
    """Cells of a row by column; those of a row that ends early are empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _read_jsonl(path: AnyPath) -> Table:
    records: list[tuple[Mapping[str, Any], str]] = []
    try:
        lines = read_file(path, MAX_BYTES).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not JSON lines: it holds binary data") from error
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise DataError(f"{where} is {line[:40]!r}, expected an object a line")
        try:
            check_values(record, finite=False)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        records.append((record, where))
    return _table(path, records)


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
        Row({str(name): _text(value) for name, value in record.items()}, where)
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
