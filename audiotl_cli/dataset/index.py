"""The index: a CSV file with one row a clip.

Its last column, ``audio_root``, says what the paths are relative to, the same in every row; a
relative folder is relative to the index file, a URL is on object storage. Without it, paths are
relative to the file's own folder. Older indexes say it in a first line, ``# audio_root: FOLDER``.
Files saved by spreadsheets are read as well.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.data_frames import data_frame
from audiotl_cli.dataset.index_file import ROOT_COLUMN, IndexRows, format_row
from audiotl_cli.dataset.table import open_table, report_assumed_encoding
from audiotl_cli.errors import DataError
from audiotl_cli.files import read_regular, real_path, write_whole
from audiotl_cli.labels import SEPARATOR
from audiotl_cli.storage.paths import AnyPath, join

if TYPE_CHECKING:
    from pandas import DataFrame

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

    def __repr__(self) -> str:
        labels = self.labels()
        return f"Index({str(self.path)!r}, {len(self.clips)} clips, {len(labels)} labels)"

    def to_frame(self) -> DataFrame:
        """Return the clips as a table for pandas, a row each; see `Clip` for the columns.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        return data_frame([vars(clip) for clip in self.clips], COLUMNS)

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
                rows = IndexRows(path, table, COLUMNS)
                clips = [_clip(values, where) for values, where in rows]
                root = rows.root()
        except FileNotFoundError as error:
            raise DataError(
                f"{path}: no such index; make one with: audiotl index FOLDER"
            ) from error
        if not clips:
            raise DataError(f"{path} lists no clips")
        if data is None:
            report_assumed_encoding(path, table)
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
        root = _root_text(self.audio_root, folder)
        lines = [format_row([*COLUMNS, ROOT_COLUMN])]
        lines += [
            format_row([*(getattr(clip, name) for name in COLUMNS), root]) for clip in self.clips
        ]
        return "".join(lines).encode("utf-8")

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


def _clip(values: dict[str, Any], where: object) -> Clip:
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
    if start < 0:
        raise DataError(f"{where}: a clip starts at {start} s, before the recording")
    if end is not None and end < start:
        raise DataError(f"{where}: a clip from {start} s to {end} s ends before it begins")
    if end is not None and not end > start:
        raise DataError(f"{where}: a clip from {start} s to {end} s has no length")


def _is_writable(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # JSON may hold halves of characters
        return False
    return True


def _root_text(root: AnyPath, folder: Path) -> str:
    if not isinstance(root, Path):
        return str(root)
    absolute, project = real_path(root), Path.cwd()
    if absolute.is_relative_to(project) and real_path(folder).is_relative_to(project):
        return Path(os.path.relpath(absolute, real_path(folder))).as_posix()
    return absolute.as_posix()
