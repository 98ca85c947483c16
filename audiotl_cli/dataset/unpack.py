"""Unpack archives that come from elsewhere: nothing gets outside the folder, no links, no bombs."""

from __future__ import annotations

import errno
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from audiotl_cli.errors import DataError

MOST_TIMES = 100
"""How many times its own size an archive may unpack to; speech and music make two or three."""

SPARE = 100 << 20
"""Bytes that it may unpack to however small it is."""

CHUNK = 1 << 20

MAX_MEMBERS = 1_000_000
"""Files and folders in an archive; Speech Commands has a tenth of that."""

_BAD_NAMES = {
    errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ
}  # fmt: skip

Member = tuple[str, str, Callable[[], IO[bytes]]]
"""Name; ``file``, ``folder`` or ``other``; and how to open it."""

_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError
)  # fmt: skip


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or tar archive below a folder; files of the same name are written over.

    Parameters
    ----------
    archive : Path
    folder : Path
        It is made if it is not there.

    Returns
    -------
    n_files : int

    Raises
    ------
    DataError
        It is damaged; or it holds a path that leads outside, a link or a device, or far more
        than its size. What was unpacked before that is left; it lies below the folder.
    """
    left = archive.stat().st_size * MOST_TIMES + SPARE
    n_files = n_members = 0
    try:
        for name, kind, open_member in _members(archive):
            target = folder / _checked(archive, name, kind)
            if (n_members := n_members + 1) > MAX_MEMBERS:
                raise DataError(f"{archive} holds more than {MAX_MEMBERS} files; not unpacked")
            _refuse_links(target, folder)
            if kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member() as source, target.open("wb") as file:
                while chunk := source.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise DataError(f"{archive} unpacks to over {MOST_TIMES} times its size")
                    file.write(chunk)
            n_files += 1
    except _DAMAGE as error:
        raise DataError(f"{archive} is no archive that can be unpacked: {error}") from error
    except OSError as error:
        if error.errno not in _BAD_NAMES:
            raise
        where = f"{str(error.filename)[:200]}: {error.strerror}"
        raise DataError(f"{archive} cannot be unpacked ({where})") from error
    return n_files


def _refuse_links(target: Path, folder: Path) -> None:
    """Refuse a path that leads through a link, which was there before: archives make none."""
    inside = [path for path in (target, *target.parents) if path.is_relative_to(folder)]
    for path in inside:
        if path.is_symlink():
            raise DataError(f"{path} is a symbolic link; nothing is unpacked through it")


def _checked(archive: Path, name: str, kind: str) -> Path:
    """Return the path of a member within its folder, or refuse it."""
    path = PurePosixPath(name.replace("\\", "/"))
    has_drive = bool(path.parts) and ":" in path.parts[0]
    if path.is_absolute() or ".." in path.parts or has_drive or "\0" in name:
        raise DataError(f"{archive} holds {name!r}, which leads outside its folder; not unpacked")
    if kind == "other":
        raise DataError(f"{archive} holds {name!r}, a link or device and no file; not unpacked")
    return Path(*path.parts)


def _members(archive: Path) -> Iterator[Member]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as as_zip:
            for entry in as_zip.infolist():
                plain = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
                kind = "folder" if entry.is_dir() else "file" if plain else "other"
                yield entry.filename, kind, partial(as_zip.open, entry)
        return
    with tarfile.open(archive) as as_tar:
        for member in as_tar:
            kind = "folder" if member.isdir() else "file" if member.isreg() else "other"
            yield member.name, kind, partial(_opened, as_tar, member)


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(member)
    if found is None:
        raise tarfile.TarError(f"{member.name} has no content")
    return found
