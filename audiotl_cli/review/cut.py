"""Detections as sound files: a folder for each label, and a table that leads back to the source.

The row of a clip is appended to the table after the clip is decoded and before it gets its name. So
a run that is killed leaves at most a row without a file, which the next run writes under that name.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePath

from audiotl_cli import leftovers
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.stretch import write_stretch
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.layouts.cut import COLUMNS, TABLE
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.files import is_regular, refuse_link
from audiotl_cli.inference.sorting import folder_names, place, safe_name
from audiotl_cli.review.appended import append_rows, read_appended
from audiotl_cli.review.detections import Detection
from audiotl_cli.text import without_middle

LONGEST_STEM = 100
"""Characters of a recording's name in the name of a clip."""

_Key = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class CutOptions:
    """How clips are cut.

    Parameters
    ----------
    padding_s : float
        Seconds before and after each detection.
    form : {"wav", "flac"}
    """

    padding_s: float = 0.0
    form: str = "wav"


class CutFolder:
    """A folder of clips.

    Parameters
    ----------
    folder : Path
    labels : sequence of str
        Of all detections; each has a folder of its own.
    options : CutOptions

    Raises
    ------
    DataError
        The table in the folder is another.
    """

    def __init__(self, folder: Path, labels: list[str], options: CutOptions) -> None:
        self._folder = folder
        self._options = options
        self.table = folder / TABLE
        self._files: dict[_Key, str] = {}
        self._taken: set[str] = set()
        folders: dict[str, str] = {}
        for row in read_appended(self.table, COLUMNS):
            cells = {name: plain_cell(row.cells[name]) for name in COLUMNS}
            _check_file(cells["file"], row.where)
            self._files[_key_of_row(cells)] = cells["file"]
            self._taken.add(cells["file"].casefold())
            folders[cells["label"]] = cells["file"].partition("/")[0]
        self._folders = self._name_folders(folders, labels)

    def _name_folders(self, before: dict[str, str], labels: list[str]) -> dict[str, str]:
        """Return the folder of each label: that of earlier runs, or a new one."""
        names = dict(before)
        taken = {name.casefold() for name in names.values()}
        for label in sorted({*labels} - {*names}):
            wanted = folder_names([label])[label]
            tries = (wanted if i == 1 else f"{wanted}_{i}" for i in count(1))
            names[label] = next(name for name in tries if name.casefold() not in taken)
            taken.add(names[label].casefold())
        return names

    def file_of(self, detection: Detection) -> Path | None:
        """Return the clip of a detection, where an earlier run wrote it."""
        file = self._files.get(self._key(detection))
        if file is None:
            return None
        path = self._folder / file
        if is_regular(path) and path.stat().st_size == 0:  # the name was taken by a killed run
            path.unlink()
        return path if os.path.lexists(path) else None

    def cut(self, detection: Detection, decoders: Decoders) -> Path:
        """Write the clip of a detection, and return its file.

        Raises
        ------
        AudioError
            The recording was not found or cannot be decoded, or ends before the detection.
        OSError
            The clip cannot be written.
        """
        if detection.recording is None:
            raise AudioError(
                "was not found; name the folder of the recordings with --audio-root",
                code="missing",
                stage="open",
            )
        start_s, end_s = self._bounds(detection)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f".clip.{os.getpid()}-{secrets.token_hex(3)}.part"
        leftovers.sweep_once(self._folder)
        try:
            source = AudioSource(detection.recording, start_s, end_s)
            with part.open("xb") as new, leftovers.in_use(part):
                length_s = write_stretch(decoders, source, new, self._options.form)
            file = self._files.get(self._key(detection)) or self._new_name(detection)
            if self._key(detection) not in self._files:
                clip = (round(start_s, 6), round(start_s + length_s, 6))
                append_rows(self.table, COLUMNS, [self._row(detection, file, clip)])
                self._files[self._key(detection)] = file
            refuse_link((self._folder / file).parent)
            place(part, self._folder / file, "move")
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        return self._folder / file

    def _bounds(self, detection: Detection) -> tuple[float, float]:
        padding_s = self._options.padding_s
        return max(0.0, detection.start_s - padding_s), detection.end_s + padding_s

    def _new_name(self, detection: Detection) -> str:
        stem = without_middle(safe_name(PurePath(detection.path.replace("\\", "/")).stem),
                              LONGEST_STEM)  # fmt: skip
        base = f"{stem}_{detection.start_s:010.3f}-{detection.end_s:010.3f}"
        folder = self._folders[detection.label]
        for number in count(1):
            end = "" if number == 1 else f"-{number}"
            file = f"{folder}/{base}{end}.{self._options.form}"
            if file.casefold() not in self._taken and not os.path.lexists(self._folder / file):
                self._taken.add(file.casefold())
                return file
        raise AssertionError

    def _row(self, detection: Detection, file: str, clip: tuple[float, float]) -> list[object]:
        found = detection
        score = "" if found.score is None else round(found.score, 6)
        bounds = (found.start_s, found.end_s)
        return [file, found.path, *bounds, found.label, score, *clip, self._options.padding_s]

    def _key(self, detection: Detection) -> _Key:
        cells = map(str, (*detection.key, self._options.padding_s))
        path, start, end, label, padding = cells
        return path, start, end, label, padding, self._options.form


def _check_file(file: str, where: str) -> None:
    """Refuse a file of a table that is not in the folder of a label: it would lead elsewhere."""
    parts = file.split("/")
    if len(parts) != 2 or any(part != safe_name(part) for part in parts):
        raise DataError(
            f"{where}: file is {file!r}, expected LABEL/NAME in the folder of the table"
        )


def _key_of_row(cells: dict[str, str]) -> _Key:
    form = cells["file"].rpartition(".")[2]
    path, label, padding = cells["path"], cells["label"], cells["padding_s"]
    return path, cells["start_s"], cells["end_s"], label, padding, form
