"""How clips are named on a command line: ``FILE``, or ``FILE:START-END`` in seconds."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Index
from audiotl_cli.files import real_path
from audiotl_cli.storage.paths import AnyPath, any_path

_BOUNDS = re.compile(r"(?P<path>.+):(?P<start>\d+(?:\.\d+)?)-(?P<end>\d+(?:\.\d+)?)?")


def read_name(text: str) -> AudioSource:
    """Return the recording, or the stretch of one, that a name means.

    A file whose own name ends like bounds is that file.
    """
    found = _BOUNDS.fullmatch(text)
    if found is None or any_path(text).exists():
        return AudioSource(any_path(text))
    end = found["end"]
    return AudioSource(any_path(found["path"]), float(found["start"]), float(end) if end else None)


def name_of(source: AudioSource) -> str:
    """Return the name that means a stretch of a recording."""
    return f"{source.path}{bounds_text(source.start_s, source.end_s)}"


def bounds_text(start_s: float | None, end_s: float | None) -> str:
    """Return what a name has after the path: ``:START-END``, or nothing for a whole recording."""
    if start_s is None and end_s is None:
        return ""
    return f":{start_s or 0:g}-{'' if end_s is None else f'{end_s:g}'}"


def find_rows(index: Index, source: AudioSource) -> list[int]:
    """Return the rows of an index that a name means; without bounds, all of the recording.

    The recording is named as in the index, or by a path that leads to it.
    """
    asked = _bounds(source)
    rows = [
        i
        for i, clip in enumerate(index.clips)
        if asked is None or _bounds(index.source(clip)) == asked
    ]
    same = [i for i in rows if index.clips[i].path == str(source.path)]
    if same:
        return same
    real = _real(source.path)
    named = [i for i in rows if PurePosixPath(index.clips[i].path).name == source.path.name]
    return [i for i in named if _real(index.source(index.clips[i]).path) == real]


def _real(path: AnyPath) -> AnyPath:
    return real_path(path) if isinstance(path, Path) else path


def _bounds(source: AudioSource) -> tuple[str, str] | None:
    if source.start_s is None and source.end_s is None:
        return None
    return f"{source.start_s or 0:g}", "" if source.end_s is None else f"{source.end_s:g}"
