"""What a file held when it was hashed, so that whoever reads it later knows it is still that.

A file may be replaced or written to between the moment it is hashed and the moment it is read.
Whoever reads it compares the state of the file that is open with the state that was hashed: no
byte is read twice, unless the state changed or tells nothing yet.
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

SETTLED_S = 2.0
"""A file changed less than this long ago may change again within one tick of its time."""


class ChangedFileError(Exception):
    """A file is not what it was when it was hashed."""

    def __init__(self) -> None:
        super().__init__("the file changed while it was read; run the same command again")


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file system tells of a file; another one whenever the file is another one.

    Devices are left out: machines that share a disk number them differently.

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
        """Return the part that matters of what `os.stat` gives."""
        return cls(state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)

    def is_settled(self, at_ns: int) -> bool:
        """Return whether any change after a moment must show in the times."""
        return at_ns - max(self.modified_ns, self.changed_ns) > SETTLED_S * 1e9

    def has_same_content(self, other: FileState) -> bool:
        """Return whether nothing was written between two states of one open file."""
        return (self.n_bytes, self.modified_ns) == (other.n_bytes, other.modified_ns)


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held.

    Parameters
    ----------
    sha256 : str
    state : FileState or None
        The file's at that time; None where it does not suffice to know the file again, which is
        then hashed as it is read.
    """

    sha256: str
    state: FileState | None = None

    @classmethod
    def known(cls, sha256: str, state: FileState, at_ns: int) -> Self:
        """Return the content of a file that had a state at a moment before it was hashed."""
        return cls(sha256, state if state.is_settled(at_ns) else None)


def read_content(path: str | Path) -> tuple[Content, os.stat_result]:
    """Hash a file; one that changes meanwhile is hashed once more.

    Raises
    ------
    ChangedFileError
        It changes again.
    OSError
        It cannot be read.
    """
    for _ in range(2):
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  (names may not be UTF-8)
            at_ns = time.time_ns()
            before = os.fstat(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            state = FileState.of(before)
            if FileState.of(os.fstat(file.fileno())).has_same_content(state):
                return Content.known(sha256, state, at_ns), before
    raise ChangedFileError


class OpenContent:
    """An open file that should hold what was hashed.

    Parameters
    ----------
    descriptor : int
        Open for reading, at its start, where it is left.
    expected : Content

    Raises
    ------
    ChangedFileError
        It is another file.
    """

    _verified: tuple[FileState, str] | None = None
    """The file hashed last in this process: a recording may hold a thousand clips."""

    def __init__(self, descriptor: int, expected: Content) -> None:
        self._descriptor = descriptor
        self._expected = expected
        self._state = FileState.of(os.fstat(descriptor))
        if expected.state not in (None, self._state):
            self._compare()

    def check(self, path: Path) -> None:
        """Raise `ChangedFileError` unless all that was read is what was hashed.

        The path must still lead there: parts of a file are looked at by name.
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
    """Give a path whose file is read by others; see to it that it is still what was hashed.

    Raises
    ------
    ChangedFileError
        It is not, before it is read or afterwards.
    OSError
        It cannot be opened.
    """
    with path.open("rb") as file:
        opened = OpenContent(file.fileno(), expected)
        yield path
        opened.check(path)
