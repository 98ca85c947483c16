"""Check, describe and lock the files of the cache folder."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from audiotl_cli.errors import DataError, WeightsError
from audiotl_cli.files import digest, open_regular, refuse_link, write_whole
from audiotl_cli.json_files import read_json_object
from audiotl_cli.storage.contents import ChangedFileError, Content, read_content, unchanged

logger = logging.getLogger(__name__)

_HDF5 = (b"\x89HDF\r\n\x1a\n", b"\x1f\x8b")  # uncompressed, or compressed by gzip
_FIRST_BYTES = {".h5": _HDF5, ".h5.gz": _HDF5, ".npz": (b"PK",), ".onnx": (b"\x08",)}


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits; errors as `file_digest`."""
    return file_digest(path, "sha256")


def file_digest(path: Path, kind: str) -> str:
    """Return a digest of a file in hexadecimal.

    Parameters
    ----------
    path : Path
    kind : {"sha256", "md5", "gitblob"}
        As in `files.digest`.

    Raises
    ------
    WeightsError
        The file cannot be read.
    """
    try:
        return digest(path, kind)
    except OSError as error:
        raise WeightsError(f"cannot read {path} ({error.strerror or error})") from error


def file_content(path: Path) -> Content:
    """Return the content of a file, to compare when it is read; errors as `file_digest`."""
    try:
        return read_content(path)[0]
    except OSError as error:
        raise WeightsError(f"cannot read {path} ({error.strerror or error})") from error
    except ChangedFileError as error:
        raise WeightsError(f"{path}: {error}") from error


@contextlib.contextmanager
def verified_file(path: Path, content: Content) -> Iterator[Path]:
    """Check a file of weights before and after it is read: it must be the one that was hashed.

    Raises
    ------
    WeightsError
        The file was replaced or changed, so that its fingerprint is wrong.
    """
    try:
        with unchanged(path, content):
            yield path
    except (ChangedFileError, FileNotFoundError) as error:
        raise WeightsError(f"{path}: {ChangedFileError()}") from error


def check_kind(path: Path, name: str) -> None:
    """Refuse a file whose first bytes show that it is not the weights called `name`.

    Captive portals and mirrors may answer with a web page and status 200. If the publisher
    documents no digest, no other check would detect this.

    Raises
    ------
    WeightsError
        The file is empty, a web page, or of another format than its name says.
    """
    with open_regular(path) as file:
        start = file.read(512)
    if not start:
        raise WeightsError("the file is empty")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise WeightsError("the server sent a web page instead of the file")
    for suffix, first_bytes in _FIRST_BYTES.items():
        if name.endswith(suffix) and not start.startswith(first_bytes):
            raise WeightsError(f"the file is not of the format of {name}")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Make the folder of a file of the cache, and lock the file while it is written.

    Raises
    ------
    WeightsError
        The folder or the file cannot be written.
    """
    import filelock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_link(path.with_name(f".{path.name}.lock"))
        lock = filelock.FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            logger.info("Waiting for another process to fetch %s", path.name)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
    except OSError as error:
        raise WeightsError(
            f"cannot write the weights to {path.parent} ({error.strerror or error}); "
            "set AUDIOTL_CACHE to a writable folder"
        ) from error


def read_note(path: Path) -> dict[str, str]:
    """Return the note that `write_note` wrote about a file; empty if it cannot be read."""
    try:
        note = read_json_object(_note_path(path))
    except (OSError, DataError):
        return {}
    return {key: value for key, value in note.items() if isinstance(value, str)}


def write_note(path: Path, **note: str) -> None:
    """Write a note about a file into a small JSON file in the same folder."""
    text = json.dumps({"file": path.name, **note}, indent=2) + "\n"
    write_whole(_note_path(path), text.encode())


def _note_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
