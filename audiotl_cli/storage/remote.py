"""Paths on object storage, with the methods of `pathlib.Path` that audiotl needs."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path
from typing import Any, BinaryIO, cast

from audiotl_cli.errors import StorageError, UsageError
from audiotl_cli.storage.failures import translated_errors
from audiotl_cli.storage.schemes import SCHEMES, RefusedUrlError, why_refused

BUFFER_BYTES = 1 << 18
"""Size of a request where only a part of an object is read."""

_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "generation")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created", "modified")


@dataclass(frozen=True)
class RemoteState:
    """Size, time and tag of an object, with the names of `os.stat_result`.

    Parameters
    ----------
    st_size : int
        Bytes.
    st_mtime_ns : int
        When it was written; 0 where the storage does not say.
    tag : str
        Changes whenever the object changes (S3's ETag); empty where the storage has none.
    """

    st_size: int
    st_mtime_ns: int
    tag: str

    @property
    def st_mtime(self) -> float:
        """When it was written, in seconds."""
        return self.st_mtime_ns / 1e9


@dataclass(frozen=True, order=True)
class RemotePath:
    """The URL of an object or of a folder; the methods do the same as those of `pathlib.Path`.

    They raise `FileNotFoundError`, `PermissionError` and `OSError` as pathlib does, with the
    URL as `filename`, and `StorageError` where the storage cannot be used at all.

    Parameters
    ----------
    url : str
        ``scheme://...`` without a slash at its end, in which no character is escaped. Any text is
        accepted; a scheme that is not in `schemes.SCHEMES` raises `RefusedUrlError` on use.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url}/{name}")

    @property
    def scheme(self) -> str:
        """The kind of storage, such as ``s3``."""
        return self.url.partition("://")[0]

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The last part without its ending."""
        return self.name.removesuffix(self.suffix)

    @property
    def suffix(self) -> str:
        """The ending of the last part, with its dot."""
        return os.path.splitext(self.name)[1]  # noqa: PTH122

    @property
    def parent(self) -> RemotePath:
        """The folder of the object; a bucket is its own parent."""
        above = self.url.rpartition("/")[0]
        return self if above.endswith(("/", ":")) else RemotePath(above)

    def with_name(self, name: str) -> RemotePath:
        """Return the path of another object in the same folder."""
        return self.parent / name

    def stat(self) -> RemoteState:
        """Return size, time and tag of the object."""
        info = self._info()
        if info["type"] != "file":
            raise IsADirectoryError(errno.EISDIR, "is a folder", self.url)
        tag = next((str(info[name]) for name in _TAGS if info.get(name)), "")
        time = next((info[name] for name in _TIMES if info.get(name)), 0)
        return RemoteState(int(info["size"] or 0), _ns(time), tag)

    def exists(self) -> bool:
        """Return whether there is an object or folder with this name."""
        return self._kind() != ""

    def is_file(self) -> bool:
        """Return whether there is an object with this name."""
        return self._kind() == "file"

    def is_dir(self) -> bool:
        """Return whether there are objects in a folder with this name."""
        return self._kind() == "directory"

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: a folder exists as soon as there is an object in it."""

    def read_bytes(self) -> bytes:
        """Return the content."""
        with translated_errors(self.url):
            return bytes(self._files.cat_file(self._inside))

    def read_range(self, first: int, last: int) -> bytes:
        """Return the bytes from `first` up to but not including `last`, which must exist."""
        with translated_errors(self.url):
            return bytes(self._files.cat_file(self._inside, start=first, end=last))

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open for reading at any position, by few and large requests."""
        assert mode == "rb"
        return cast(BinaryIO, io.BufferedReader(_Ranges(self), BUFFER_BYTES))

    def download(self, to: Path) -> None:
        """Copy the content into a local file."""
        with translated_errors(self.url):
            self._files.get_file(self._inside, str(to))

    def write_bytes(self, data: bytes | bytearray | memoryview) -> None:
        """Write the object; readers see all of it or none.

        Raises
        ------
        UsageError
            The storage does not guarantee that.
        """
        if not SCHEMES.get(self.scheme, True):  # other schemes are refused below
            raise UsageError(
                f"{self.url}: it cannot be written to, because {self.scheme}:// does not "
                "promise that readers see whole files; expected a local folder or "
                "s3://, gs://, az:// or abfs://"
            )
        with translated_errors(self.url):
            self._files.pipe_file(self._inside, bytes(data))

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Delete the object."""
        try:
            with translated_errors(self.url):
                self._files.rm_file(self._inside)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def replace(self, target: RemotePath) -> RemotePath:
        """Rename the object; for a moment it has both names."""
        with translated_errors(self.url):
            self._files.cp_file(self._inside, target._inside)
        self.unlink(missing_ok=True)
        return target

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield the paths that match a pattern; parts without wildcards are not listed."""
        first, _, rest = pattern.partition("/")
        if has_magic(first):
            found: Iterable[RemotePath] = (
                child for child in self._children() if fnmatchcase(child.name, first) and child.name
            )
        else:
            found = [self / first]
        for path in found:
            if rest:
                yield from path.glob(rest)
            elif has_magic(first) or path.exists():
                yield path

    def expand(self) -> list[RemotePath]:
        """Return all objects and folders that match this URL as a pattern, sorted."""
        base = self
        while has_magic(base.url):
            base = base.parent
        with translated_errors(self.url):
            return sorted(base._paths_of(self._files.glob(self._inside)))

    def files(self) -> list[RemotePath]:
        """Return all objects in this folder and its subfolders, sorted."""
        with translated_errors(self.url):
            return sorted(self._paths_of(self._files.find(self._inside)))

    def _children(self) -> list[RemotePath]:
        try:
            with translated_errors(self.url):
                return sorted(self._paths_of(self._files.ls(self._inside, detail=False)))
        except FileNotFoundError:
            return []

    def _paths_of(self, names: Iterable[str]) -> Iterator[RemotePath]:
        """Yield the paths for names that the storage lists in this folder."""
        n_inside = len(self._inside.rstrip("/"))
        for name in names:
            if not name.endswith("/"):  # consoles make such objects to show a folder
                yield RemotePath(self.url + name[n_inside:])

    def _kind(self) -> str:
        try:
            return str(self._info()["type"])
        except FileNotFoundError:
            return ""

    def _info(self) -> dict[str, Any]:
        with translated_errors(self.url):
            return dict(self._files.info(self._inside))

    @property
    def _files(self) -> Any:
        return self._fsspec()[0]

    @property
    def _inside(self) -> str:
        return str(self._fsspec()[1])

    def _fsspec(self) -> tuple[Any, str]:
        if reason := why_refused(self.url):
            raise RefusedUrlError(self.url, reason)
        with translated_errors(self.url):
            from fsspec.core import url_to_fs

            # a cached listing may be outdated
            fresh = {"use_listings_cache": False} if SCHEMES[self.scheme] else {}
            found: tuple[Any, str] = url_to_fs(self.url, **fresh)
            return found


class _Ranges(io.RawIOBase):
    """An object as a file that is read by ranges of bytes."""

    def __init__(self, path: RemotePath) -> None:
        super().__init__()
        self.path = path
        self.n_bytes = path.stat().st_size
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.n_bytes}[whence]
        self.position = max(0, start + offset)
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        last = min(self.position + len(buffer), self.n_bytes)
        if last <= self.position:
            return 0
        try:
            data = self.path.read_range(self.position, last)
        except FileNotFoundError:
            raise
        except OSError as error:  # says nothing about the content
            raise StorageError(f"{self.path}: {error.strerror}") from error
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


def _ns(time: datetime | float | str) -> int:
    if isinstance(time, datetime):
        return int(time.timestamp() * 1e9)
    if isinstance(time, str):
        try:
            return int(datetime.fromisoformat(time).timestamp() * 1e9)
        except ValueError:
            return 0
    return int(time * 1e9)
