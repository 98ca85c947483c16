"""A table with typed columns."""

from __future__ import annotations

import io
from collections.abc import Iterable
from importlib.util import find_spec

from audiotl_cli.errors import UsageError
from audiotl_cli.inference.formats.csv import CsvWriter

NUMBERS = ("start_s", "end_s", "score")


class ParquetWriter(CsvWriter):
    """Writes the columns of the CSV format; seconds and scores are numbers, empty cells null."""

    name = "parquet"
    suffix = ".parquet"
    streams = False
    binary = True
    rank = 40

    @classmethod
    def check(cls) -> None:
        """Raise `UsageError` if pyarrow is not installed."""
        if find_spec("pyarrow") is None:
            raise UsageError("--format parquet needs pyarrow: pip install 'audiotl[parquet]'")

    def begin(self) -> None:
        """Begin with the names of the columns."""
        self._rows: list[list[object]] = []
        super().begin()

    def end(self) -> None:
        """Write the file."""
        import pyarrow
        from pyarrow import parquet

        header, *rows = self._rows
        columns = list(zip(*rows, strict=True)) or [()] * len(header)
        arrays = []
        for name, column in zip(header, columns, strict=True):
            is_number = name in NUMBERS or str(name).startswith(("score:", "score_"))
            kind = pyarrow.float64() if is_number else pyarrow.string()
            arrays.append(pyarrow.array(map(_value, column), kind))
        content = io.BytesIO()
        parquet.write_table(pyarrow.Table.from_arrays(arrays, [str(n) for n in header]), content)
        self.write(content.getvalue())

    def _write_row(self, cells: Iterable[object]) -> None:
        self._rows.append(list(cells))


def _value(cell: object) -> object:
    """Return a cell as Parquet has it; bytes of names that are not UTF-8 are escaped."""
    if isinstance(cell, str):
        return cell.encode("utf-8", "backslashreplace").decode() or None
    return cell
