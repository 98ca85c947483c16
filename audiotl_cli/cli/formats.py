"""All formats of predictions that ``--format`` accepts: file formats and the table."""

from __future__ import annotations

from collections.abc import Iterable

from audiotl_cli.cli.table_writer import TableWriter
from audiotl_cli.errors import UsageError
from audiotl_cli.inference.formats import find_writers
from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.spelling import did_you_mean

Formats = dict[str, type[Writer]]


def all_formats() -> Formats:
    """Return the writer of every format by its name."""
    return {TableWriter.name: TableWriter, **find_writers()}


def stream_formats() -> Formats:
    """Return the formats that a stream can be written in, at once or at its end."""
    return {
        name: kind
        for name, kind in all_formats().items()
        if kind.streams or not (kind.file_each or kind.binary)
    }


def listed(names: Iterable[str]) -> str:
    """Return names as a list for the help."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def find_format(name: str, formats: Formats) -> type[Writer]:
    """Return the writer of a format.

    Raises
    ------
    UsageError
        There is no such format.
    """
    if name not in formats:
        raise UsageError(
            f"--format is {name!r}, expected one of {', '.join(formats)}"
            f"{did_you_mean(name, formats)}"
        )
    return formats[name]
