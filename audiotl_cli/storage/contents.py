"""Check that a file still has the content that was hashed.

A file may be replaced or changed after it was hashed and before it is read. The reader compares the
state of the open file (inode, size and times) with the state at the time of hashing. The file is
hashed again only if its state changed, or if its times are too recent to show a change.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from audiotl_cli.files import open_regular, regular_descriptor

SETTLED_S = 2.0
"""A later change of a file may have the same time stamp if both happen within this time."""


class ChangedFileError(Exception):
    """A file does not have the content that was hashed."""

    def __init__(self) -> None:
        super().__init__("the file changed while it was read; run the same command again")


@dataclass(frozen=True, slots=True)
class FileState:
    """Inode, size and times of a file; they differ if the file was replaced or changed.

    The number of the device is left out, because machines that share a disk number it differently.

    Parameters
    ----------
    inode, n_bytes, modified_ns, changed_ns : int
    """

    inode: int
    n_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, state: os.stat_result) -> Self:
        """Return the state from the result of `os.stat`."""
        return cls(state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)

    def is_settled(self, at_ns: int) -> bool:
        """Return whether any change after a point in time would show in the times of the file."""
        return at_ns - max(self.modified_ns, self.changed_ns) > SETTLED_S * 1e9

    def has_same_content(self, other: FileState) -> bool:
        """Return whether an open file was not written to between two states."""
        return (self.n_bytes, self.modified_ns) == (other.n_bytes, other.modified_ns)


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file.

    Parameters
    ----------
    sha256 : str
    state : FileState or None
        The state of the file when it was hashed. None if it could not show a later change; the
        file is then hashed again when it is read.
    """

    sha256: str
    state: FileState | None = None

    @classmethod
    def known(cls, sha256: str, state: FileState, at_ns: int) -> Self:
        """Return the content of a file that had a state at a point in time before it was hashed."""
        return cls(sha256, state if state.is_settled(at_ns) else None)


def read_content(path: str | Path) -> tuple[Content, os.stat_result]:
    """Hash a file; if it changes in the meantime, hash it once more.

    Raises
    ------
    ChangedFileError
        The file changes again.
    OSError
        The file cannot be read.
    """
    for _ in range(2):
        with os.fdopen(regular_descriptor(Path(path)), "rb", buffering=0) as file:
            at_ns = time.time_ns()
            before = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            state = FileState.of(before)
            if FileState.of(os.fstat(file.fileno())).has_same_content(state):
                return Content.known(sha256, state, at_ns), before
    raise ChangedFileError


class OpenContent:
    """An open file that should have the content that was hashed.

    Parameters
    ----------
    descriptor : int
        Open for reading, at its start; its position does not change.
    expected : Content

    Raises
    ------
    ChangedFileError
        The file has another content.
    """

    _verified: tuple[FileState, str] | None = None
    """The file that was hashed last: a recording may hold a thousand clips."""

    def __init__(self, descriptor: int, expected: Content) -> None:
        self._descriptor = descriptor
        self._expected = expected
        self._state = FileState.of(os.fstat(descriptor))
        if expected.state not in (None, self._state):
            self._compare()

    def check(self, path: Path) -> None:
        """Raise `ChangedFileError` unless everything that was read is the content that was hashed.

        The path must still lead to the open file, because some readers open it by name.
        """
        state = FileState.of(os.fstat(self._descriptor))
        if not state.has_same_content(self._state) or os.stat(path).st_ino != state.inode:  # noqa: PTH116
            raise ChangedFileError
        if self._expected.state is None or state != self._state:
            self._compare()

    def _compare(self) -> None:
        at_ns = time.time_ns()
        state = FileState.of(os.fstat(self._descriptor))
        if OpenContent._verified == (state, self._expected.sha256):
            return
        hasher = hashlib.sha256()
        position = os.lseek(self._descriptor, 0, os.SEEK_SET)
        while chunk := os.read(self._descriptor, 1 << 20):
            hasher.update(chunk)
        os.lseek(self._descriptor, position, os.SEEK_SET)
        if hasher.hexdigest() != self._expected.sha256:
            raise ChangedFileError
        if state.is_settled(at_ns):
            OpenContent._verified = state, self._expected.sha256


@contextmanager
def unchanged(path: Path, expected: Content) -> Iterator[Path]:
    """Check a file before and after the ``with`` statement, in which other code reads it.

    Raises
    ------
    ChangedFileError
        The file does not have the content that was hashed.
    OSError
        The file cannot be opened.
    """
    with open_regular(path) as file:
        opened = OpenContent(file.fileno(), expected)
        yield path
        opened.check(path)
