"""The labels that a user wants of a network's own, from a text file."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.dataset.encoding import find_encoding
from audiotl_cli.errors import DataError
from audiotl_cli.files import read_regular
from audiotl_cli.spelling import did_you_mean

MAX_BYTES = 8 << 20
PART = "_"
"""Separates the scientific from the common name of a species."""
MOST_SHOWN = 3


def read_labels(path: Path, classes: Sequence[str]) -> list[int]:
    """Return the numbers of the classes that a file names, ascending.

    Parameters
    ----------
    path : Path
        A label a line, in UTF-8, UTF-16 or Windows-1252; empty lines do not count. Upper and
        lower case count the same.
    classes : sequence of str
        Where a class is called ``SCIENTIFIC_COMMON``, either name alone will do, and also the
        scientific name with a common name in another language.

    Raises
    ------
    DataError
        The file cannot be read, is empty, or has a line that names no class.
    """
    wanted = _lines(path)
    known = _known(classes)
    found, unknown = set[int](), []
    for number, text in wanted:
        folded = _folded(text)
        place = known.get(folded, known.get(folded.partition(PART)[0]))
        if place is None:
            unknown.append((number, text))
        else:
            found.add(place)
    if unknown:
        names = {part for name in classes for part in name.split(PART)}
        told = [
            f"line {number}: {text[:80]!r}{did_you_mean(text, names)}"
            for number, text in unknown[:MOST_SHOWN]
        ]
        more = len(unknown) - len(told)
        raise DataError(
            f"{path} has {len(unknown)} of {len(wanted)} lines that are none of the network's "
            f"{len(classes)} classes: {'; '.join(told)}{f'; and {more} more' if more else ''}"
        )
    if not found:
        raise DataError(f"{path} names no label; expected one on each line")
    return sorted(found)


def _known(classes: Sequence[str]) -> dict[str, int]:
    """Return the number of a class for each of its names; a whole name comes before parts."""
    known: dict[str, int] = {}
    for number, name in enumerate(classes):
        known.setdefault(_folded(name), number)
    for number, name in enumerate(classes):
        for part in name.split(PART):
            known.setdefault(_folded(part), number)
    return known


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are not empty, with their numbers."""
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise DataError(f"--labels: {path} cannot be read ({error.strerror})") from error
    encoding = find_encoding(io.BytesIO(data), path, MAX_BYTES)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text ({error.reason})") from error
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line]
