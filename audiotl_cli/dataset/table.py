"""Tables as people and spreadsheets save them: commas, semicolons or tabs, padded comments."""

from __future__ import annotations

import csv

from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath

DELIMITERS = ",;\t"


def read_table(path: AnyPath, data: bytes | None = None) -> tuple[list[str], str, str]:
    """Read a table.

    Parameters
    ----------
    path : Path or RemotePath
        Bytes that are no UTF-8 are kept as they are (``surrogateescape``).
    data : bytes, optional
        Its content, where that has been read already.

    Returns
    -------
    comments : list of str
        The lines before the header that begin with ``#``, as they were before a spreadsheet
        quoted them and filled them up with empty cells.
    text : str
        The rest, from the header on.
    delimiter : str
        One of `DELIMITERS`: the one found most often in the header.

    Raises
    ------
    DataError
        The file cannot be read, or is no text.
    """
    try:
        data = path.read_bytes() if data is None else data
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if b"\0" in data:
        raise DataError(f"{path} is not a CSV file: it holds binary data")
    text = data.decode("utf-8-sig", "surrogateescape")
    lines: list[str] = []
    while text.startswith(("#", '"#')):
        line, _, text = text.partition("\n")
        lines.append(line.rstrip("\r"))
    header = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    n_columns = header.count(delimiter) + 1
    return [_comment(line, delimiter, n_columns) for line in lines], text, delimiter


def _comment(line: str, delimiter: str, n_columns: int) -> str:
    """Undo what a spreadsheet does to a comment; others may hold delimiters of their own."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return line
    if line.startswith('"') or len(cells) == n_columns > 1:
        return ",".join(cells).rstrip(",")  # it was cut at commas, whatever it was saved with
    return line
