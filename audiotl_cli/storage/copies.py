"""Local copies of recordings, while they are read: decoders take files.

Copies are kept after use as long as they are few bytes, as one recording may hold many clips,
and is read once for its hash and once for its samples.
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
"""Of copies that nobody reads just now: at most."""


REQUESTS_AT_ONCE = 16


@dataclass
class Copy:
    """A local file with the content of an object, whole once it is given to anybody.

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
    """The copies of this process, by what they were made from."""

    def __init__(self) -> None:
        stack = ExitStack()
        self._folder = stack.enter_context(temporary_folder())
        atexit.register(stack.close)
        self._known: dict[tuple[RemotePath, RemoteState], Copy] = {}
        self._lock = threading.Lock()
        self._n_made = 0
        self.pool = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="fetch")

    def hold(self, path: RemotePath) -> Copy:
        """Fetch an object unless that was done; the copy stays until it is released."""
        state = path.stat()
        key = (path, state)
        with self._lock:
            self._n_made += 1
            file = self._folder / f"{self._n_made}{path.suffix}"
            copy = self._known.pop(key, None) or Copy(file, state.st_size)
            self._known[key] = copy  # the one used last at the end
            copy.n_readers += 1
        try:
            with copy.making:  # one thread fetches, others wait for it
                if not copy.made:
                    _fetch(path, copy)
        except BaseException:
            self.release(copy)
            raise
        return copy

    def release(self, copy: Copy) -> None:
        """Let a copy go; the last ones are kept."""
        with self._lock:
            copy.n_readers -= 1
            idle = {key: one for key, one in self._known.items() if not one.n_readers}
            n_bytes = sum(one.n_bytes for one in idle.values())
            for key, one in idle.items():
                if n_bytes > KEPT_BYTES or not one.made:
                    n_bytes -= one.n_bytes
                    one.file.unlink(missing_ok=True)
                    del self._known[key]

    def has_room(self) -> bool:
        """Return whether the copies that are held are few enough to fetch some ahead."""
        with self._lock:
            return sum(one.n_bytes for one in self._known.values() if one.n_readers) < KEPT_BYTES


def _fetch(path: RemotePath, copy: Copy) -> None:
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
    copy = _copies().hold(path)
    try:
        yield copy.file
    finally:
        _copies().release(copy)


class Ahead:
    """Fetches objects before they are asked for: waiting for each would take most of the time."""

    def __init__(self) -> None:
        self._asked: dict[RemotePath, Future[Copy]] = {}

    def expect(self, path: AnyPath) -> None:
        """Begin to fetch an object, unless much lies there already; local paths are there."""
        if isinstance(path, RemotePath) and path not in self._asked and _copies().has_room():
            self._asked[path] = _copies().pool.submit(_copies().hold, path)

    @contextmanager
    def local_copy(self, path: AnyPath) -> Iterator[Path]:
        """Give a local file, see `local_copy`, that may have been fetched meanwhile."""
        asked = self._asked.pop(path, None) if isinstance(path, RemotePath) else None
        if asked is None:
            with local_copy(path) as file:
                yield file
            return
        copy = asked.result()
        try:
            yield copy.file
        finally:
            _copies().release(copy)

    def close(self) -> None:
        """Drop what nobody asked for."""
        for asked in self._asked.values():
            if not asked.cancel():
                asked.add_done_callback(_release)
        self._asked.clear()


def _release(asked: Future[Copy]) -> None:
    if not asked.cancelled() and asked.exception() is None:
        _copies().release(asked.result())
