"""Paths of files: `pathlib.Path` on a disk, `RemotePath` for URLs."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import BinaryIO

from audiotl_cli import files
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.storage.schemes import why_refused

AnyPath = Path | RemotePath

_DRIVE = re.compile(r"[A-Za-z]://")


def any_path(text: str | Path | RemotePath) -> AnyPath:
    """Return the path for a name or URL that a user typed.

    Raises
    ------
    UsageError
        The text is a URL that is not read; see `schemes`.
    """
    if isinstance(text, Path | RemotePath):
        return text
    path = _parse(text)
    if isinstance(path, RemotePath) and (reason := why_refused(path.url)):
        raise UsageError(f"{text}: {reason}")
    return path


def local_path(text: str) -> Path:
    """Return the path for the name of a file that a user typed; errors as `any_path`.

    Raises
    ------
    UsageError
        The text is a URL, or no file can have this name.
    """
    if "\0" in text:
        raise UsageError(f"{text!r} holds a NUL byte; expected a file name")
    return need_local(any_path(text), "expected a local file or folder")


def join(root: AnyPath, path: str) -> AnyPath:
    """Return the path in a folder that a row of a table names; a URL stays as it is.

    This never fails. A URL that is not read raises `RefusedUrlError`, an `OSError`, as soon as it
    is used, like a file that cannot be opened, so that only that row fails.
    """
    found = _parse(path)
    return found if isinstance(found, RemotePath) else root / path


def _parse(text: str) -> AnyPath:
    if "://" not in text or _DRIVE.match(text):
        return Path(text)
    scheme, _, rest = text.partition("://")
    return RemotePath(f"{scheme.lower()}://{rest.rstrip('/')}")


def relative(path: AnyPath, root: AnyPath) -> str:
    """Return a path relative to a folder that contains it, with ``/`` between parts."""
    if isinstance(path, Path) and isinstance(root, Path):
        return path.relative_to(root).as_posix()
    return str(path).removeprefix(f"{root}/")


def rename(path: AnyPath, name: str) -> AnyPath:
    """Give a file another name in its folder, and return its new path."""
    if isinstance(path, Path):
        return path.replace(path.with_name(name))
    return path.replace(path.with_name(name))


def remove_file(path: AnyPath) -> None:
    """Delete a file or object; on a disk, anything but a regular file stays."""
    if isinstance(path, Path):
        files.remove_regular(path)
    else:
        path.unlink(missing_ok=True)


def need_local(path: AnyPath, advice: str) -> Path:
    """Return a local path as it is.

    Raises
    ------
    UsageError
        It is on object storage; the message ends with `advice`.
    """
    if isinstance(path, Path):
        return path
    raise UsageError(f"{path} is on object storage: {advice}")


def open_file(path: AnyPath) -> BinaryIO:
    """Open a file for reading; on a disk it must be a regular file, see `files.open_regular`."""
    return files.open_regular(path) if isinstance(path, Path) else path.open()


def read_file(path: AnyPath, max_bytes: int | None = None) -> bytes:
    """Return the content of a file, unless it is larger than `max_bytes`; see `open_file`."""
    if isinstance(path, Path):
        return files.read_regular(path, max_bytes)
    if max_bytes is not None and (n_bytes := path.stat().st_size) > max_bytes:
        reason = f"it has {n_bytes:,} bytes, expected at most {max_bytes:,}"
        raise OSError(errno.EINVAL, reason, path.url)
    return path.read_bytes()


def write_whole(path: AnyPath, data: bytes | memoryview, *, sync: bool = True) -> None:
    """Write a file so that readers see the old file or the whole new one; see `files`."""
    if isinstance(path, Path):
        files.write_whole(path, data, sync=sync)
    else:
        path.write_bytes(data)
