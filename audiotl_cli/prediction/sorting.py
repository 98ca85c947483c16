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
        names[label] = next(one for one in tries if one.casefold() not in taken)
        taken.add(names[label].casefold())
    return names


def plan(path: Path, folder: Path) -> Path:
    """Return where `place` would put a recording now; where it is, if it lies there already."""
    if real_path(path.parent) == real_path(folder):
        return path
    return next(one for one in _targets(path, folder) if not os.path.lexists(one))


def place(path: Path, folder: Path, how: How) -> Path:
    """Put a recording into a folder, under its name or, where that is taken, a numbered one.

    A run that is killed leaves the recording where it was or where it goes, whole.

    Parameters
    ----------
    path : Path
    folder : Path
        Made if it is not there.
    how : {"copy", "move", "link"}
        Links are symbolic and absolute.

    Returns
    -------
    target : Path
        `path` itself if it lies in the folder already.

    Raises
    ------
    OSError
        It cannot be put there; it is still where it was.
    """
    if real_path(path.parent) == real_path(folder):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    if how == "link":
        return _link(path, folder)
    if how == "move":
        try:
            return _claim(path, path, folder)
        except OSError as error:
            if error.errno != _OTHER_DISK:
                raise
    part = folder / f".audiotl-{os.getpid()}-{secrets.token_hex(3)}.part"
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # ours, and no link
    try:
        shutil.copy2(path, part)
        target = _claim(part, path, folder)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    if how == "move":
        path.unlink()
    return target


_OTHER_DISK = errno.EXDEV


def _claim(source: Path, path: Path, folder: Path) -> Path:
    """Rename a file to the first name that is free, having taken the name first."""
    for target in _targets(path, folder):
        try:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            continue
        try:
            source.replace(target)
        except BaseException:
            target.unlink()
            raise
        return target
    raise AssertionError("numbers do not end")


def _link(path: Path, folder: Path) -> Path:
    for target in _targets(path, folder):
        try:
            target.symlink_to(real_path(path))
        except FileExistsError:
            continue
        return target
    raise AssertionError("numbers do not end")


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
