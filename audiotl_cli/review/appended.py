"""CSV tables to which rows are only ever appended, by several processes at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from audiotl_cli.cells import csv_text
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.errors import DataError
from audiotl_cli.files import refuse_link, require_regular
from audiotl_cli.journal_lines import ends_within_a_line
from audiotl_cli.locks import locked


def read_appended(path: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table; none where there is no file yet.

    Raises
    ------
    DataError
        The table is damaged, or lacks one of the columns: it is somebody else's.
    """
    if not os.path.lexists(path) or (path.is_file() and path.stat().st_size == 0):
        return []
    table = read_rows(path)
    if missing := [name for name in columns if name not in table.columns]:
        raise DataError(
            f"{path} has the columns {list_columns(table.columns)}; expected {missing[0]} as "
            "well. It is another table; move it away, or name another place"
        )
    return table.rows


def append_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Append rows to a table, which is begun where there is none, and wait until they are on disk.

    Raises
    ------
    DataError
        The table there has other columns.
    TimeoutError, OSError
        As `locked`; or the file cannot be written, or is a link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_link(path)
    if path.exists():
        require_regular(path.stat(), path)
    header = csv_text([columns]).encode()
    added = csv_text(rows).encode("utf-8", "surrogateescape")
    with locked(path), path.open("ab+", buffering=0) as file:
        file.seek(0)
        first = file.readline(1 << 16)
        if first and first.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf") != header.rstrip(b"\r\n"):
            raise DataError(
                f"{path} begins with {first[:60].decode(errors='replace').strip()!r}, expected "
                f"{','.join(columns)}; move it away, or name another place"
            )
        before = b"" if first else header
        if first and ends_within_a_line(file):
            before = b"\r\n"
        file.write(before + added)
        os.fsync(file.fileno())
