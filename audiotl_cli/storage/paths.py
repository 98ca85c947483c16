"""Paths of files wherever they lie: pathlib's for disks, `RemotePath` for everything else."""

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
    """Return the path that is meant by a name or URL that somebody typed.

    Raises
    ------
    UsageError
        It is a URL of another kind than is read; see `schemes`.
    """
    if isinstance(text, Path | RemotePath):
        return text
    path = _parse(text)
    if isinstance(path, RemotePath) and (reason := why_refused(path.url)):
        raise UsageError(f"{text}: {reason}")
    return path


def local_path(text: str) -> Path:
    """Return the path that is meant by a name that somebody typed; errors as `any_path`.

    Raises
    ------
    UsageError
        It is a URL, or no file can have this name.
    """
    if "\0" in text:
        raise UsageError(f"{text!r} holds a NUL byte; expected the name of a file")
    return need_local(any_path(text), "expected a file or folder of this machine")


def join(root: AnyPath, path: str) -> AnyPath:
    """Return the path below a folder, or a URL as it is: what a row of a file says.

    This never fails. A URL that is not read raises `RefusedUrlError`, an `OSError`, as soon as
    it is used, like a file that cannot be opened: it costs that row alone.
    """
    found = _parse(path)
    return found if isinstance(found, RemotePath) else root / path


def _parse(text: str) -> AnyPath:
    if "://" not in text or _DRIVE.match(text):
        return Path(text)
    scheme, _, rest = text.partition("://")
    return RemotePath(f"{scheme.lower()}://{rest.rstrip('/')}")


def relative(path: AnyPath, root: AnyPath) -> str:
    """Return what leads from a folder to a path below it, ``/`` between parts."""
    if isinstance(path, Path) and isinstance(root, Path):
        return path.relative_to(root).as_posix()
    return str(path).removeprefix(f"{root}/")


def rename(path: AnyPath, name: str) -> AnyPath:
    """Give a file another name in its folder, and return its new path."""
    if isinstance(path, Path):
        return path.replace(path.with_name(name))
    return path.replace(path.with_name(name))


def remove_file(path: AnyPath) -> None:
    """Delete a file or object that is ours; whatever else has its name on a disk stays."""
    if isinstance(path, Path):
        files.remove_regular(path)
    else:
        path.unlink(missing_ok=True)


def need_local(path: AnyPath, what: str) -> Path:
    """Return a local path as it is.

    Raises
    ------
    UsageError
        It is not; the message ends with `what` is to be done.
    """
    if isinstance(path, Path):
        return path
    raise UsageError(f"{path} is on object storage: {what}")


def open_file(path: AnyPath) -> BinaryIO:
    """Open a file for reading; on a disk never a pipe or a device, see `files.open_regular`."""
    return files.open_regular(path) if isinstance(path, Path) else path.open()


def read_file(path: AnyPath, max_bytes: int | None = None) -> bytes:
    """Return the content of a file, unless it is larger than `max_bytes`; see `open_file`."""
    if isinstance(path, Path):
        return files.read_regular(path, max_bytes)
    if max_bytes is not None and (n_bytes := path.stat().st_size) > max_bytes:
        reason = f"it holds {n_bytes:,} bytes, expected at most {max_bytes:,}"
        raise OSError(errno.EINVAL, reason, path.url)
    return path.read_bytes()


def write_whole(path: AnyPath, data: bytes | memoryview, *, sync: bool = True) -> None:
    """Write a file so that readers see the old one or the whole new one; see `files`."""
    if isinstance(path, Path):
        files.write_whole(path, data, sync=sync)
    else:
        path.write_bytes(data)
