"""Put recordings into a folder a label; nothing is ever written over."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Literal

from audiotl_cli.files import real_path

How = Literal["copy", "move", "link"]

_NEVER = set('/\\:*?"<>|')  # in names, on one system or another
_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{i}" for port in ("com", "lpt") for i in range(10)),
}
_LONGEST = 200  # bytes; file systems take 255, and a number may be added


def folder_names(labels: Sequence[str]) -> dict[str, str]:
    """Return a name for a folder for every label, each fit for any system and different.

    Parameters
    ----------
    labels : sequence of str

    Returns
    -------
    names : dict
        From a label to a single part of a path: no separators, no ``..``, nothing hidden.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        name = safe_name(label)
        tries = (name if i == 1 else f"{name}_{i}" for i in count(1))
        names[label] = next(name for name in tries if name.casefold() not in taken)
        taken.add(names[label].casefold())
    return names


def plan(path: Path, folder: Path) -> Path:
    """Return a free name in a folder for a recording, numbered if need be.

    Where it is, if it lies there already.
    """
    if real_path(path.parent) == real_path(folder):
        return path
    return next(target for target in _targets(path, folder) if not os.path.lexists(target))


def place(path: Path, target: Path, how: How) -> None:
    """Put a recording where it belongs.

    A run that is killed leaves the recording where it was or where it goes, whole.

    Parameters
    ----------
    path : Path
    target : Path
        From `plan`; its folder is made if it is not there. Nothing is done if it is `path`.
    how : {"copy", "move", "link"}
        Links are symbolic and absolute.

    Raises
    ------
    OSError
        It cannot be put there, or something else is there by now; it is still where it was.
    """
    if target == path:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if how == "link":
        target.symlink_to(real_path(path))
        return
    if how == "move":
        try:
            _claim(path, target)
            return
        except OSError as error:
            if error.errno != _OTHER_DISK:
                raise
    part = target.with_name(f".audiotl-{os.getpid()}-{secrets.token_hex(3)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # ours, and no link
    try:
        shutil.copy2(path, part)
        _claim(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    if how == "move":
        path.unlink()


def is_placed(path: Path, target: Path) -> bool:
    """Return whether an earlier run that was to put a recording somewhere got that far."""
    if not os.path.lexists(path):
        return True
    try:
        n_bytes = target.stat().st_size
    except OSError:
        return os.path.lexists(target)
    if n_bytes == 0:  # the name was taken, and then the run was killed
        with contextlib.suppress(OSError):
            target.unlink()
        return False
    return True


_OTHER_DISK = errno.EXDEV


def _claim(source: Path, target: Path) -> None:
    """Rename a file, having taken the name first: nothing is written over."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        source.replace(target)
    except BaseException:
        target.unlink()
        raise


def _targets(path: Path, folder: Path) -> Iterator[Path]:
    yield folder / path.name
    for number in count(2):
        yield folder / f"{path.stem}-{number}{path.suffix}"


def safe_name(label: str) -> str:
    """Return a name that files may have on any system: no separators, no device of Windows."""
    text = "".join("_" if char in _NEVER or not char.isprintable() else char for char in label)
    encoded = text.encode("utf-8", "replace")[:_LONGEST]
    text = encoded.decode("utf-8", "ignore").strip(" ").rstrip(". ")
    if text.startswith("."):
        text = "_" + text[1:]
    stem, dot, rest = text.partition(".")
    return f"{stem}_{dot}{rest}" if not stem or stem.rstrip().lower() in _DEVICES else text
