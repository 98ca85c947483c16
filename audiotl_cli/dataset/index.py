"""The index: a CSV file with one row a clip.

Its first line, ``# audio_root: FOLDER``, says what the paths are relative to; a relative
FOLDER is relative to the index file, a URL is on object storage. Without that line, paths are
relative to the file's own folder. Files saved by spreadsheets are read as well.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cells import plain_cell, safe_cell
from audiotl_cli.dataset.table import OpenTable, list_columns, open_table, parse_number
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.files import read_regular, real_path, write_whole
from audiotl_cli.labels import SEPARATOR
from audiotl_cli.storage.paths import AnyPath, any_path, join

ROOT_COMMENT = "# audio_root: "
LABEL_SEPARATOR = SEPARATOR


@dataclass(frozen=True)
class Clip:
    """One row of an index: a recording, or a stretch of one.

    Parameters
    ----------
    path : str
        Relative to the index's audio root, ``/`` between parts.
    label : str
        Empty if not known; several labels are joined by ``;``.
    split : str
        ``train``, ``valid``, ``test`` or empty.
    fold : str
        The data set's own number, or empty.
    group : str
        What must never be on both sides of a split: speaker, artist, source recording; or empty.
    start_s, end_s : float or None
        Bounds within the recording, seconds.
    duration_s : float or None
    sample_rate : int or None
        Hz.
    channels : int or None
    sha256 : str
        Of the file, or empty.
    problems : str
        Codes joined by ``;``, or empty.
    """

    path: str
    label: str = ""
    split: str = ""
    fold: str = ""
    group: str = ""
    start_s: float | None = None
    end_s: float | None = None
    duration_s: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    sha256: str = ""
    problems: str = ""


COLUMNS = tuple(field.name for field in fields(Clip))
_NUMBERS = {
    "start_s": float,
    "end_s": float,
    "duration_s": float,
    "sample_rate": int,
    "channels": int,
}


@dataclass(frozen=True)
class Index:
    """A data set: clips, and the folder their paths start from.

    Parameters
    ----------
    clips : sequence of Clip
    audio_root : Path or RemotePath
    path : Path or None
        The file it was read from or written to.

    Examples
    --------
    >>> index = Index.read("data/index/sounds.csv")
    >>> len(index.clips), index.clips[0].label
    (24, 'chirp')
    """

    clips: Sequence[Clip]
    audio_root: AnyPath
    path: Path | None = None

    @classmethod
    def read(cls, path: str | Path, data: bytes | None = None) -> Index:
        """Read an index file.

        Parameters
        ----------
        path : str or Path
        data : bytes, optional
            Its content, where that has been read already.

        Raises
        ------
        DataError
            The file is missing, is not such a CSV, or a row is wrong; says which.
        """
        path = Path(path)
        try:
            with open_table(path, data) as table:
                clips = _clips(path, table)
        except FileNotFoundError as error:
            raise DataError(
                f"{path}: no such index; make one with: audiotl index FOLDER"
            ) from error
        root: AnyPath = path.parent
        for number, comment in enumerate(table.comments, start=1):
            if comment.startswith(ROOT_COMMENT.rstrip()):
                root = _root(plain_cell(comment), _Where(path, number))
        if isinstance(root, Path):
            root = Path(os.path.normpath(path.parent / root))
        return cls(clips, root, path)

    def write(self, path: str | Path) -> Index:
        """Write the index and return it with its new place.

        The audio root is written relative to the file where it lies in the same project
        (below the current folder), so that a project folder can be moved; else absolute.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self.as_csv(path.parent))
        return replace(self, path=path)

    def as_csv(self, folder: Path) -> bytes:
        """Return what `write` writes into a file in this folder."""
        root = f"{ROOT_COMMENT}{_root_text(self.audio_root, folder)}"
        lines = [f"{safe_cell(root)}\n", _line(COLUMNS)]
        lines += [_line([_cell(getattr(clip, name)) for name in COLUMNS]) for clip in self.clips]
        return "".join(lines).encode("utf-8", "surrogateescape")

    def source(self, clip: Clip) -> AudioSource:
        """Return where a clip's samples are."""
        return AudioSource(join(self.audio_root, clip.path), clip.start_s, clip.end_s)

    def labels(self) -> list[str]:
        """Return the labels of all clips, sorted, each once."""
        return sorted({label for clip in self.clips for label in clip_labels(clip)})

    def counts(self, column: str) -> dict[str, int]:
        """Return how many clips have each value of a column, sorted by value."""
        found = Counter(str(getattr(clip, column)) for clip in self.clips)
        return {value: found[value] for value in sorted(found) if value}

    def sha256(self) -> str:
        """Return the SHA-256 of all rows; it does not depend on where the index lies."""
        rows = "\n".join(repr(clip) for clip in self.clips)
        return hashlib.sha256(rows.encode("utf-8", "surrogateescape")).hexdigest()


def index_content(path: Path, data: bytes | None = None) -> str:
    """Return what stands for the content of an index file: what it says, however it is written.

    Parameters
    ----------
    path : Path
    data : bytes, optional
        Its content, where that has been read already.
    """
    data = read_regular(path) if data is None else data
    try:
        return Index.read(path, data).sha256()
    except DataError:
        return f"no index, SHA-256 {hashlib.sha256(data).hexdigest()}"


def clip_labels(clip: Clip) -> list[str]:
    """Return a clip's labels, none if it has none."""
    return [part.strip() for part in clip.label.split(LABEL_SEPARATOR) if part.strip()]


class _Where(NamedTuple):
    """A line of a file, made into text only when a message needs it."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


def _clips(path: Path, table: OpenTable) -> list[Clip]:
    rows = csv.reader(table.lines, delimiter=table.delimiter, strict=True)
    n_before = len(table.comments)
    clips: list[Clip] = []
    try:
        header = next(rows, [])
        if "path" not in header:
            raise DataError(
                f"{path}: its header is {list_columns(header, ',') if header else 'empty'}; "
                f"expected at least a column 'path' (all columns: {','.join(COLUMNS)})"
            )
        places = [(name, at) for at, name in enumerate(header) if name in COLUMNS]
        for row in rows:
            if not any(row):  # spreadsheets save rows of empty cells
                continue
            where = _Where(path, n_before + rows.line_num)
            if len(row) > len(header):
                raise DataError(f"{where}: more cells than the header has columns")
            clips.append(_clip(row, places, where))
    except csv.Error as error:
        raise DataError(f"{path}, line {n_before + rows.line_num}: {error}") from error
    if not clips:
        raise DataError(f"{path} lists no clips")
    return clips


def _clip(row: Sequence[str], places: Sequence[tuple[str, int]], where: _Where) -> Clip:
    values: dict[str, Any] = {"path": ""}
    for column, at in places:
        text = plain_cell(row[at]) if at < len(row) else ""
        if column == "path":
            values[column] = text
        elif text := text.strip():
            kind = _NUMBERS.get(column)
            values[column] = text if kind is None else parse_number(kind, text, where, column)
    clip = Clip(**values)
    check_clip(clip, where)
    return clip


def check_clip(clip: Clip, where: object) -> None:
    """Raise `DataError` if a clip has no path or no length, or text that no index can hold."""
    if not clip.path:
        raise DataError(f"{where}: the path is empty")
    for text in (clip.path, clip.label, clip.split, clip.fold, clip.group):
        if (not text.isascii() and not _is_writable(text)) or "\0" in text:
            raise DataError(f"{where}: {text!r} holds a NUL byte or half a character")
    start, end = clip.start_s or 0.0, clip.end_s
    if start < 0 or (end is not None and not end > start):
        raise DataError(f"{where}: a clip from {start} s to {end} s has no length")


def _is_writable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # JSON may hold halves of characters
        return False
    return True


def _root(comment: str, where: _Where) -> AnyPath:
    try:
        return any_path(comment.removeprefix(ROOT_COMMENT.rstrip()).strip())
    except UsageError as error:  # it was not typed, but read from a file
        raise DataError(f"{where}: audio_root is {error}") from error


def _cell(value: object) -> str:
    """Return a value as text that gives the same value when read."""
    if isinstance(value, str):
        return str(safe_cell(value))
    return "" if value is None else str(value).removesuffix(".0" * isinstance(value, float))


def _line(cells: Sequence[str]) -> str:
    # a writer quotes only line breaks that are its own: so it gets both, and one is taken off
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def _root_text(root: AnyPath, folder: Path) -> str:
    if not isinstance(root, Path):
        return str(root)
    absolute, project = real_path(root), Path.cwd()
    if absolute.is_relative_to(project) and real_path(folder).is_relative_to(project):
        return Path(os.path.relpath(absolute, real_path(folder))).as_posix()
    return absolute.as_posix()
