"""Unpack untrusted archives: nothing outside the folder, no links, and no archive bombs."""

from __future__ import annotations

import bz2
import errno
import gzip
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from audiotl_cli.errors import DataError
from audiotl_cli.files import NotAFileError, open_regular

MAX_TIMES = 10
"""How many times its own size an archive may unpack to; speech and music reach two or three."""

SPARE = 100 << 20
"""Bytes to which any archive may unpack, however small it is."""

MAX_MEMBERS = 250_000
"""Files and folders in an archive; the largest data set known here has 106 000."""

MAX_MEMBER_BYTES = 512
"""Average bytes of a member in the list of contents of a zip; long names take a third of that."""

TAR_OVERHEAD = 4096  # bytes of headers and padding a file

CHUNK = 1 << 20

Member = tuple[str, str, int, Callable[[], IO[bytes]]]
"""Name; ``file``, ``folder`` or ``other``; stated size; and a function that opens it."""

_BAD_NAMES = {
    errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ
}  # fmt: skip

_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError,
    gzip.BadGzipFile, struct.error, ValueError, NotAFileError,
    FileExistsError, IsADirectoryError, NotADirectoryError,  # a file that is a folder as well
)  # fmt: skip


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or tar archive below a folder; files of the same name are written over.

    Parameters
    ----------
    archive : Path
        A ``.zip``, or a tar as it is or compressed by gzip or bzip2.
    folder : Path
        Made if missing.

    Returns
    -------
    n_files : int

    Raises
    ------
    DataError
        The archive is damaged, or holds a path that leads outside, a link or a device, too many
        files, or far more than its size. Files that were unpacked before the error stay in the
        folder.
    """
    max_bytes = archive.stat().st_size * MAX_TIMES + SPARE
    n_files = n_bytes = 0
    try:
        for n_members, (name, kind, size, open_member) in enumerate(_members(archive, max_bytes)):
            if n_members >= MAX_MEMBERS:
                raise DataError(f"{archive} holds over {MAX_MEMBERS} files; not unpacked")
            target = folder / _checked(archive, name, kind)
            _refuse_links(target, folder)
            if kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            if n_bytes + size > max_bytes:
                raise _too_much(archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member() as source, target.open("wb") as file:
                while chunk := source.read(CHUNK):
                    n_bytes += len(chunk)
                    if n_bytes > max_bytes:
                        raise _too_much(archive)
                    file.write(chunk)
            n_files += 1
    except _DAMAGE as error:
        raise DataError(f"{archive} cannot be unpacked: {error}") from error
    except OSError as error:
        if error.errno not in _BAD_NAMES:
            raise
        where = f"{str(error.filename)[:200]}: {error.strerror}"
        raise DataError(f"{archive} cannot be unpacked ({where})") from error
    return n_files


def _too_much(archive: Path) -> DataError:
    return DataError(f"{archive} unpacks to over {MAX_TIMES} times its size")


def _refuse_links(target: Path, folder: Path) -> None:
    """Refuse a path that leads through an existing link."""
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


def _members(archive: Path, max_bytes: int) -> Iterator[Member]:
    if archive.name.lower().endswith(".zip"):
        _check_contents(archive)
        with zipfile.ZipFile(archive) as as_zip:
            for entry in as_zip.infolist():
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise zipfile.BadZipFile(f"unusual compression of {entry.filename!r}")
                plain = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
                kind = "folder" if entry.is_dir() else "file" if plain else "other"
                yield entry.filename, kind, entry.file_size, partial(as_zip.open, entry)
        return
    with (
        closing(_Limited(archive, max_bytes)) as stream,
        tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as as_tar,
    ):
        for member in as_tar:
            plain = member.isreg() and not member.issparse()
            kind = "folder" if member.isdir() else "file" if plain else "other"
            yield member.name, kind, member.size, partial(_opened, as_tar, member)


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = archive.extractfile(member)
    if found is None:
        raise tarfile.TarError(f"{member.name} has no content")
    return found


def _check_contents(archive: Path) -> None:
    """Refuse a zip whose list of contents would fill the memory, because zipfile reads all of it.

    The sizes are those of the records that end a zip (APPNOTE.TXT 4.3.14 to 4.3.16).
    """
    with open_regular(archive) as file:
        n_bytes = file.seek(0, os.SEEK_END)
        start = file.seek(max(0, n_bytes - (1 << 16) - 22))
        end = file.read()
        at = end.rfind(b"PK\5\6")
        if at < 0:
            raise zipfile.BadZipFile("it has no list of contents")
        (size,) = struct.unpack_from("<I", end, at + 12)
        if end[max(0, at - 20) :].startswith(b"PK\6\7"):
            (place,) = struct.unpack_from("<Q", end, at - 12)
            # where bytes were put before the zip, the record is right before what points to it
            for where in {place, start + at - 20 - 56}:
                file.seek(min(max(0, where), n_bytes))
                record = file.read(56)
                if record.startswith(b"PK\6\6") and len(record) == 56:
                    size = max(size % 0xFFFFFFFF, *struct.unpack_from("<Q", record, 40))
    if size > MAX_MEMBERS * MAX_MEMBER_BYTES:
        raise DataError(f"{archive} holds over {MAX_MEMBERS} files; not unpacked")


class _Limited:
    """A tar archive, unpacked; refuses to give too many bytes, at once or in all."""

    def __init__(self, archive: Path, max_bytes: int) -> None:
        self._archive = archive
        self._left = max_bytes + MAX_MEMBERS * TAR_OVERHEAD
        with open_regular(archive) as file:
            start = file.read(3)
        is_gzip = start.startswith(b"\x1f\x8b")
        opener: Callable[..., Any] = gzip.open if is_gzip else bz2.open if start == b"BZh" else open
        self._stream = opener(archive, "rb")
        self.seek, self.tell, self.close = self._stream.seek, self._stream.tell, self._stream.close

    def read(self, n_bytes: int) -> bytes:
        if n_bytes > 2 * CHUNK:  # of a header: files are read in chunks
            raise tarfile.ReadError(f"it claims a header of {n_bytes} bytes")
        self._left -= n_bytes
        if self._left < 0:
            raise _too_much(self._archive)
        data: bytes = self._stream.read(n_bytes)
        return data
