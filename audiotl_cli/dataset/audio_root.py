"""Recordings that were moved since their index was written."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path

from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, join

HOW = "say where they are with --audio-root DIR; to keep it, change audio_root in the index"


def with_audio_root(index: Index, root: AnyPath) -> Index:
    """Return an index whose recordings are below another folder.

    They are found there as those of a table, see `Finder`.

    Raises
    ------
    DataError
        There is no such folder, or not one of the recordings is below it.
    """
    if not root.is_dir():
        raise DataError(f"--audio-root is {root}, which is not a folder")
    find = Finder(root)
    names = dict.fromkeys(clip.path for clip in index.clips)
    find.expect(names)
    path_of = {name: find(name) for name in names}
    if len(find.unmatched) == len(set(path_of.values())):
        raise DataError(
            f"none of the {len(names)} recordings of {index.path} is below {root}, such as "
            f"{next(iter(names))}"
        )
    find.log(str(index.path))
    clips = [replace(clip, path=path_of[clip.path]) for clip in index.clips]
    return replace(index, clips=clips, audio_root=root)


def check_recordings(index: Index) -> None:
    """Raise `DataError` if not one of the recordings is where the index says.

    Recordings on object storage are taken to be there.
    """
    names = dict.fromkeys(clip.path for clip in index.clips)
    for name in names:
        path = join(index.audio_root, name)
        if not isinstance(path, Path) or os.path.lexists(path):
            return
    first = next(iter(names))
    if all("\\" in name for name in names) and index.audio_root.is_dir():
        raise DataError(
            f"the paths of {index.path} are those of Windows, such as {first}; read them here with "
            f"--audio-root {shlex.quote(str(index.audio_root))}"
        )
    gone = "" if index.audio_root.is_dir() else ", a folder that does not exist"
    raise DataError(
        f"none of the {len(names)} recordings of {index.path} is below {index.audio_root}{gone}, "
        f"such as {first}. If they were moved, {HOW}"
    )
