"""Pieces of shards: a cluster's workers write them, and the store's one writer adds them in order.

Workers end in any order, and a store's shards depend on the order of clips. So workers leave
what they made in the store's folder ``pieces``, a shard a file, and the writer adds it as if it
had come in the order of the index: a run with workers, without, or killed and run again, leaves
the same files.

A worker goes on as long as the file of its run, ``run-TOKEN``, lies there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import DataError
from audiotl_cli.files import is_regular, remove_regular
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.shard import (
    DamagedShardError,
    Features,
    is_full,
    read_keys,
    read_shard,
    write_shard,
)

logger = logging.getLogger(__name__)

FOLDER = "pieces"


def pieces_of(store: Path) -> Path:
    """Return where the pieces for a store lie, if there are any."""
    return store / FOLDER


def has_pieces(store: Path) -> bool:
    """Return whether a store has a folder of pieces of its own: a link to another is none."""
    folder = pieces_of(store)
    return folder.is_dir() and not folder.is_symlink()


def check_piece(path: Path, store: Path) -> None:
    """Raise `DamagedShardError` unless a file is a piece in the folder of a store."""
    own = path.parent == pieces_of(store) or path.parent.resolve() == pieces_of(store).resolve()
    if not (own and has_pieces(store) and path.match("shard-*.npz") and is_regular(path)):
        raise DamagedShardError(f"{path} is not a file among the pieces for {store}")


@dataclass(frozen=True)
class Piece:
    """Clips in a file that is no part of the store yet.

    Parameters
    ----------
    path : Path
    n_clips : int
    full : bool
        Whether it was closed just where the store's writer would have closed a shard.
    """

    path: Path
    n_clips: int
    full: bool


class PieceWriter:
    """Writes clips into pieces, each closed where a shard would be.

    Parameters
    ----------
    folder : Path
        Must exist: without it, the run this belongs to has ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pieces: list[tuple[Piece, list[str]]] = []
        self._held: dict[str, Features] = {}
        self._n_bytes = 0

    def add(self, key: str, features: Features) -> None:
        """Take a clip."""
        self._held[key] = features
        self._n_bytes += features.frames.nbytes
        if is_full(len(self._held), self._n_bytes):
            self.close()

    def close(self) -> None:
        """Write what is held."""
        if self._held:
            path = write_shard(self.folder, self._held)
            assert isinstance(path, Path)
            full = is_full(len(self._held), self._n_bytes)
            self.pieces.append((Piece(path, len(self._held), full), list(self._held)))
            self._held, self._n_bytes = {}, 0


class LeftPieces:
    """Pieces that a run which ended early left in a store's folder.

    Parameters
    ----------
    store : Path or RemotePath
        The store's folder; its lock must be held. None are left on object storage.
    wanted : collection of str
        Keys of the clips that are still to be added.
    dim : int, optional
        Values a frame that the store's description promises.
    """

    def __init__(self, store: AnyPath, wanted: Collection[str], dim: int | None = None) -> None:
        self.of: dict[str, Piece] = {}
        self._dim = dim
        self._read: tuple[Path | None, dict[str, Features]] = (None, {})
        self._store = store
        if not isinstance(store, Path) or not has_pieces(store):
            return
        folder = pieces_of(store)
        for run in folder.glob("run-*"):  # workers of that run, should any be left, stop
            remove_regular(run)
        for path in sorted(folder.glob("shard-*.npz")):
            try:
                keys = [key for key in read_keys(path, dim) if key in wanted]
            except DataError as error:
                logger.warning("%s; its clips are made again", error)
                remove_regular(path)
                continue
            self.of |= dict.fromkeys(keys, Piece(path, len(keys), full=False))

    def read(self, key: str) -> Features:
        """Return the features of a clip; a piece is read once for clips in a row."""
        path = self.of[key].path
        if self._read[0] != path:
            try:
                self._read = path, dict(read_shard(path, self._dim))
            except DamagedShardError:
                remove_regular(path)
                raise
        return self._read[1][key]

    def remove(self) -> None:
        """Delete the pieces, now that all is in the store; and the folder, if no more is in it."""
        if not isinstance(self._store, Path) or not has_pieces(self._store):
            return
        folder = pieces_of(self._store)
        with contextlib.suppress(OSError):
            for pattern in ("shard-*.npz", "run-*", ".shard-*.part"):
                for path in folder.glob(pattern):
                    remove_regular(path)
            folder.rmdir()
