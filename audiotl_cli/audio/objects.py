"""Sound files on object storage, of which only the parts that a decoder asks for are fetched.

This is for headers. A file that is decoded is fetched as a whole first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from audiotl_cli.errors import AudioError, StorageError
from audiotl_cli.storage.failures import reason
from audiotl_cli.storage.remote import RemotePath


class Reader:
    """A file for decoders, which would take an exception for the end of the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: Exception | None = None

    def readinto(self, buffer: Any) -> int:
        """Read, or remember the error."""
        try:
            return self._file.readinto(buffer)  # type: ignore[attr-defined, no-any-return]
        except (OSError, StorageError) as error:
            self.error = error
            return 0

    def read(self, n_bytes: int = -1) -> bytes:
        """Read at most so many bytes, or remember the error."""
        try:
            return self._file.read(n_bytes)
        except (OSError, StorageError) as error:
            self.error = error
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, as files do."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()


@contextmanager
def open_object(path: RemotePath) -> Iterator[Reader]:
    """Open a sound file for its header.

    Raises
    ------
    AudioError
        It is missing, empty, or cannot be read.
    StorageError
        The storage cannot be reached.
    """
    try:
        with path.open() as file:
            if not file.seek(0, os.SEEK_END):
                raise AudioError("is an empty file (0 bytes)", code="empty", stage="open")
            file.seek(0)
            reader = Reader(file)
            try:
                yield reader
            finally:
                if reader.error is not None:
                    raise reader.error
    except (FileNotFoundError, IsADirectoryError) as error:
        raise AudioError("no such file", code="missing", stage="open") from error
    except OSError as error:
        raise AudioError(f"cannot be opened ({reason(error)})", stage="open") from error
