"""Write labels into an index file, and keep every other byte as it is."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.cells import safe_cell
from audiotl_cli.dataset.encoding import WINDOWS, find_encoding
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.dataset.table import read_start
from audiotl_cli.errors import DataError
from audiotl_cli.locks import change_file

Cell = tuple[int, int]
"""Start and end of a cell in a text, with its quotes."""

Place = tuple[str, float | None, float | None]
"""What identifies a clip: path, start and end."""


def place_of(clip: Clip) -> Place:
    """Return what identifies a clip in an index."""
    return clip.path, clip.start_s, clip.end_s


@dataclass(frozen=True)
class Relabelled:
    """An index after labels were written into it.

    Parameters
    ----------
    index : Index
        As it now is.
    before : dict
        From clips to the labels that they had in the file before.
    """

    index: Index
    before: dict[Place, str]


def write_labels(
    path: Path, labels: Mapping[Place, str], *, instead_of: Mapping[Place, str] | None = None
) -> Relabelled:
    """Change labels in an index file, whole or not at all.

    The file is read again under a lock, so that edits made meanwhile are kept. Cells are changed in
    place: other rows, columns, comments, line ends and quotes stay as they are, byte for byte. A
    column ``label`` is added if there is none.

    Parameters
    ----------
    path : Path
        Of the index.
    labels : mapping
        From clips to their labels; an empty text removes the label.
    instead_of : mapping, optional
        From clips to the labels they are expected to have; a clip with another label keeps it.

    Raises
    ------
    DataError
        The file is not an index, lacks a clip, or a label cannot be written.
    TimeoutError
        Another process is changing the file, see `locks.locked`.
    """
    for label in labels.values():
        check_label(label)
    before: dict[Place, str] = {}

    def change(data: bytes | None) -> bytes:
        clips = Index.read(path, data).clips
        before.clear()
        before.update({place_of(clip): clip.label for clip in clips})
        if missing := labels.keys() - before.keys():
            raise DataError(f"{path} has no clip {min(name for name, *_ in missing)} any more")
        wanted = {
            place: label
            for place, label in labels.items()
            if instead_of is None or before[place] == instead_of.get(place, before[place])
        }
        return _change_bytes(data or b"", [place_of(clip) for clip in clips], wanted)

    _, new = change_file(path, change)
    return Relabelled(Index.read(path, new), {place: before[place] for place in labels})


def _change_bytes(data: bytes, rows: list[Place], labels: Mapping[Place, str]) -> bytes:
    encoding = find_encoding(io.BytesIO(data), "the index", len(data))
    if encoding == "utf-8-sig" and not data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8"
    text = _change(data.decode(encoding), rows, labels)
    if encoding == WINDOWS and any(not _fits(label) for label in labels.values()):
        encoding = "utf-8-sig"  # as spreadsheets expect it
    return text.encode(encoding)


def _fits(label: str) -> bool:
    try:
        label.encode(WINDOWS)
    except UnicodeEncodeError:
        return False
    return True


def check_label(label: str) -> None:
    """Raise `DataError` if a label would be changed by writing it to an index and reading it."""
    if label != label.strip() or re.search(r"[\x00-\x1f\x7f]", label):
        raise DataError(
            f"{label!r} cannot be a label: it has spaces around it or control characters"
        )


def _change(text: str, rows: list[Place], labels: Mapping[Place, str]) -> str:
    before, _, delimiter = read_start(io.StringIO(text, newline=""))
    start = sum(map(len, before))
    records = _records(text, start, delimiter)
    header = next(records)
    names = [_value(text[slice(*cell)]) for cell in header]
    column = names.index("label") if "label" in names else len(names)
    edits: list[tuple[Cell, str]] = []
    if column == len(names):
        edits.append(((header[-1][1],) * 2, f"{delimiter}label"))
    filled = (cells for cells in records if any(_value(text[slice(*cell)]) for cell in cells))
    for place, cells in zip(rows, filled, strict=True):
        label = labels.get(place)
        if label is None:
            continue
        old = text[slice(*cells[column])] if column < len(cells) else ""
        cell = _quoted(str(safe_cell(label)), delimiter, always=old.startswith('"'))
        if column < len(cells):
            edits.append((cells[column], cell))
        elif label:  # a row that ends early
            edits.append(((cells[-1][1],) * 2, delimiter * (column - len(cells) + 1) + cell))
    parts, at = [], 0
    for (first, last), cell in edits:
        parts += [text[at:first], cell]
        at = last
    return "".join([*parts, text[at:]])


def _records(text: str, at: int, delimiter: str) -> Iterator[list[Cell]]:
    """Return the cells of every line of a table, empty lines too."""
    plain = re.compile(rf"[^{re.escape(delimiter)}\r\n]*")
    quoted = re.compile('"(?:[^"]|"")*"?')
    cells: list[Cell] = []
    while at < len(text):
        found = quoted.match(text, at)
        # after a closing quote there is nothing but the next cell: the reader is strict
        end = plain.match(text, found.end() if found else at).end()  # type: ignore[union-attr]
        cells.append((at, end))
        if text[end : end + 1] == delimiter:
            at = end + 1
            if at < len(text):
                continue
            cells.append((at, at))
        at = end + (2 if text.startswith("\r\n", end) else 1)
        yield cells
        cells = []


def _value(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _quoted(label: str, delimiter: str, *, always: bool) -> str:
    if not always and not any(sign in label for sign in (delimiter, '"')):
        return label
    return '"' + label.replace('"', '""') + '"'
