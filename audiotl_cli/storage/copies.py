"""Local copies of recordings, while they are read: decoders take files.

Copies are kept after use as long as they are few bytes, as one recording may hold many clips,
and is read once for its hash and once for its samples.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from audiotl_cli.errors import StorageError
from audiotl_cli.storage.paths import AnyPath, RemotePath, RemoteState

logger = logging.getLogger(__name__)

KEPT_BYTES = 1 << 30
"""Of copies that nobody reads just now: at most."""


@dataclass
class _Copy:
    file: Path
    n_bytes: int
    n_readers: int = 0
    made: bool = False
    making: threading.Lock = field(default_factory=threading.Lock)


class _Copies:
    """The copies of this process, by what they were made from."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="audiotl-")
        self._known: dict[tuple[RemotePath, RemoteState], _Copy] = {}
        self._lock = threading.Lock()
        self._n_made = 0

    @contextmanager
    def lend(self, path: RemotePath) -> Iterator[Path]:
        state = path.stat()
        key = (path, state)
        with self._lock:
            self._n_made += 1
            name = f"{self._n_made}{path.suffix}"
            copy = self._known.pop(key, None) or _Copy(Path(self._folder.name, name), state.st_size)
            self._known[key] = copy  # the one used last at the end
            copy.n_readers += 1
        try:
            with copy.making:  # one thread fetches, others wait for it
                if not copy.made:
                    _fetch(path, copy)
            yield copy.file
        finally:
            with self._lock:
                copy.n_readers -= 1
                self._forget()

    def _forget(self) -> None:
        idle = [key for key, copy in self._known.items() if not copy.n_readers]
        n_bytes = sum(self._known[key].n_bytes for key in idle)
        for key in idle:
            copy = self._known[key]
            if n_bytes > KEPT_BYTES or not copy.made:
                n_bytes -= copy.n_bytes
                copy.file.unlink(missing_ok=True)
                del self._known[key]


def _fetch(path: RemotePath, copy: _Copy) -> None:
    path.download(copy.file)
    n_bytes = copy.file.stat().st_size
    if n_bytes != copy.n_bytes:
        raise StorageError(
            f"{path}: {n_bytes} of {copy.n_bytes} bytes came; it broke off, or was changed"
        )
    copy.made = True


@cache
def _copies() -> _Copies:
    return _Copies()


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """Give a local file with the content of a path: a local path is that itself.

    Raises
    ------
    OSError, StorageError
        It cannot be fetched; see `RemotePath`.
    """
    if isinstance(path, Path):
        yield path
        return
    with _copies().lend(path) as file:
        yield file
