"""Keep local copies of recordings on object storage while they are read: decoders need files.

Copies are kept after use within a limit, because a recording may hold many clips, and is read once
for its hash and once for its samples.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from audiotl_cli.errors import StorageError
from audiotl_cli.leftovers import temporary_folder
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath, RemoteState

KEPT_BYTES = 1 << 30
"""Limit for all copies that are not being read."""


REQUESTS_AT_ONCE = 16


@dataclass
class Copy:
    """A local file with the content of an object.

    Parameters
    ----------
    file : Path
    n_bytes : int
    """

    file: Path
    n_bytes: int
    n_readers: int = 0
    made: bool = False
    making: threading.Lock = field(default_factory=threading.Lock)


class _Copies:
    """The copies of this process, by object and its state."""

    def __init__(self) -> None:
        stack = ExitStack()
        self._folder = stack.enter_context(temporary_folder())
        atexit.register(stack.close)
        self._known: dict[tuple[RemotePath, RemoteState], Copy] = {}
        self._lock = threading.Lock()
        self._n_made = 0
        self.pool = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="fetch")

    def hold(self, path: RemotePath) -> Copy:
        """Return the copy of an object, which stays until it is released; fetch it if necessary."""
        state = path.stat()
        key = (path, state)
        with self._lock:
            self._n_made += 1
            file = self._folder / f"{self._n_made}{path.suffix}"
            copy = self._known.pop(key, None) or Copy(file, state.st_size)
            self._known[key] = copy  # the most recently used copy is the last one
            copy.n_readers += 1
        try:
            with copy.making:  # one thread fetches, and the others wait
                if not copy.made:
                    _fetch(path, copy)
        except BaseException:
            self.release(copy)
            raise
        return copy

    def release(self, copy: Copy) -> None:
        """Release a copy; those that were used most recently are kept."""
        with self._lock:
            copy.n_readers -= 1
            unused = {key: kept for key, kept in self._known.items() if not kept.n_readers}
            n_bytes = sum(kept.n_bytes for kept in unused.values())
            for key, kept in unused.items():
                if n_bytes > KEPT_BYTES or not kept.made:
                    n_bytes -= kept.n_bytes
                    kept.file.unlink(missing_ok=True)
                    del self._known[key]

    def has_room(self) -> bool:
        """Return whether the copies in use are small enough to fetch more in advance."""
        with self._lock:
            return sum(copy.n_bytes for copy in self._known.values() if copy.n_readers) < KEPT_BYTES


def _fetch(path: RemotePath, copy: Copy) -> None:
    path.download(copy.file)
    n_bytes = copy.file.stat().st_size
    if n_bytes != copy.n_bytes:
        raise StorageError(
            f"{path}: {n_bytes} of {copy.n_bytes} bytes arrived; the transfer was interrupted, or "
            "the object changed"
        )
    copy.made = True


@cache
def _copies() -> _Copies:
    return _Copies()


@contextmanager
def local_copy(path: AnyPath) -> Iterator[Path]:
    """Give a local file with the content of a path; a local path is used itself.

    Raises
    ------
    OSError, StorageError
        The object cannot be fetched; see `RemotePath`.
    """
    if isinstance(path, Path):
        yield path
        return
    copy = _copies().hold(path)
    try:
        yield copy.file
    finally:
        _copies().release(copy)


class Prefetcher:
    """Fetch objects in advance: waiting for each of them would take most of the time."""

    def __init__(self) -> None:
        self._pending: dict[RemotePath, Future[Copy]] = {}

    def expect(self, path: AnyPath) -> None:
        """Start to fetch an object, unless the copies in use are large; ignore local paths."""
        if isinstance(path, RemotePath) and path not in self._pending and _copies().has_room():
            self._pending[path] = _copies().pool.submit(_copies().hold, path)

    @contextmanager
    def local_copy(self, path: AnyPath) -> Iterator[Path]:
        """Give a local file as `local_copy` does; it may have been fetched in advance."""
        pending = self._pending.pop(path, None) if isinstance(path, RemotePath) else None
        if pending is None:
            with local_copy(path) as file:
                yield file
            return
        copy = pending.result()
        try:
            yield copy.file
        finally:
            _copies().release(copy)

    def close(self) -> None:
        """Drop the objects that were fetched but not used."""
        for pending in self._pending.values():
            if not pending.cancel():
                pending.add_done_callback(_release)
        self._pending.clear()


def _release(pending: Future[Copy]) -> None:
    if not pending.cancelled() and pending.exception() is None:
        _copies().release(pending.result())
