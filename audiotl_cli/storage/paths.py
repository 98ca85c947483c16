"""Paths of files wherever they lie: pathlib's for disks, `RemotePath` for everything else."""

from __future__ import annotations

import re
from pathlib import Path

from audiotl_cli import files
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.remote import RemotePath

AnyPath = Path | RemotePath

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)


def any_path(text: str | Path | RemotePath) -> AnyPath:
    """Return the path that is meant by a name or URL.

    ``file://`` names a file of a disk like any other.
    """
    found = _URL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return text if isinstance(text, Path | RemotePath) else Path(text)
    scheme, rest = found["scheme"].lower(), found["rest"]
    if scheme in ("file", "local"):
        return Path(rest)
    if not rest.strip("/"):
        raise UsageError(f"{text} names no place; expected {scheme}://BUCKET/FOLDER or the like")
    return RemotePath(f"{scheme}://{rest.rstrip('/')}")


def join(root: AnyPath, path: str) -> AnyPath:
    """Return the path below a folder, or a URL as it is."""
    return any_path(path) if "://" in path else root / path


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


def write_whole(path: AnyPath, data: bytes | memoryview, *, sync: bool = True) -> None:
    """Write a file so that readers see the old one or the whole new one; see `files`."""
    if isinstance(path, Path):
        files.write_whole(path, data, sync=sync)
    else:
        path.write_bytes(data)
