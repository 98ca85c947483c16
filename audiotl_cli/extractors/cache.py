"""The cache folder: how its files are checked, noted and locked."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from audiotl_cli.errors import WeightsError

logger = logging.getLogger(__name__)


def is_offline() -> bool:
    """Return whether ``AUDIOTL_OFFLINE`` forbids using the network."""
    return os.environ.get("AUDIOTL_OFFLINE", "").lower() not in ("", "0", "false", "no")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits; errors as `file_digest`."""
    return file_digest(path, "sha256")


def file_digest(path: Path, kind: str) -> str:
    """Return a digest of a file in hexadecimal.

    Parameters
    ----------
    path : Path
    kind : {"sha256", "md5", "gitblob"}
        ``gitblob`` is the id git gives the file: the SHA-1 of a header and its bytes.

    Raises
    ------
    WeightsError
        The file cannot be read.
    """
    # md5 and SHA-1 are publishers' choices: they tell a damaged file from a whole one
    algorithm = "sha1" if kind == "gitblob" else kind
    try:
        state = hashlib.new(algorithm, usedforsecurity=kind == "sha256")
        with path.open("rb") as file:
            if kind == "gitblob":
                state.update(b"blob %d\0" % path.stat().st_size)
            while chunk := file.read(1 << 20):
                state.update(chunk)
    except OSError as error:
        raise WeightsError(f"cannot read {path} ({error.strerror or error})") from error
    return state.hexdigest()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time write a file of the cache; its folder is made.

    Raises
    ------
    WeightsError
        The folder, or what is written meanwhile, cannot be written.
    """
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            logger.info("Waiting for another process that fetches %s", path.name)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
    except OSError as error:
        raise WeightsError(
            f"cannot write the weights to {path.parent} ({error.strerror or error}); "
            "set AUDIOTL_CACHE to a folder that can be written"
        ) from error


def read_note(path: Path) -> dict[str, str]:
    """Return what `write_note` noted about a file; empty where nothing readable is."""
    try:
        note = json.loads(_note_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(note, dict):
        return {}
    return {key: value for key, value in note.items() if isinstance(value, str)}


def write_note(path: Path, **note: str) -> None:
    """Note something about a file in a small JSON file beside it."""
    part = path.with_name(f".{path.name}.json.part")
    part.write_text(json.dumps({"file": path.name, **note}, indent=2) + "\n", encoding="utf-8")
    part.replace(_note_path(path))


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
