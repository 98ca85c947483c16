"""Every format that ``--format`` offers for predictions: those of files, and the table."""

from __future__ import annotations

from collections.abc import Iterable

from audiotl_cli.cli.table_writer import TableWriter
from audiotl_cli.errors import UsageError
from audiotl_cli.inference.formats import find_writers
from audiotl_cli.inference.formats.base import Writer

Formats = dict[str, type[Writer]]


def all_formats() -> Formats:
    """Return the writer of every format by its name."""
    return {TableWriter.name: TableWriter, **find_writers()}


def stream_formats() -> Formats:
    """Return those a stream can be written in: as it comes, or as one value at its end."""
    return {
        name: kind for name, kind in all_formats().items() if kind.streams or not kind.file_each
    }


def listed(names: Iterable[str]) -> str:
    """Return names as the help lists them."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def find_format(name: str, formats: Formats) -> type[Writer]:
    """Return the writer of a format.

    Raises
    ------
    UsageError
        There is none.
    """
    if name not in formats:
        raise UsageError(f"--format: {name!r} is not one of {', '.join(formats)}")
    return formats[name]
