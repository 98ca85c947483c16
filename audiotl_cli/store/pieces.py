"""Pieces: files of features that a cluster's workers write and the store's writer then adds.

Workers finish in any order, but the shards of a store depend on the order of clips. So workers
write pieces, in the format of shards, into the folder ``pieces`` of the store, and the writer
adds their clips in the order of the index. The store ends up with the same files with or without
workers, and if a run was killed and started again.

A worker continues while the file ``run-TOKEN`` of its run exists in that folder.
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
    """Return the folder of the pieces of a store, whether or not it exists."""
    return store / FOLDER


def has_pieces(store: Path) -> bool:
    """Return whether a store has a folder of pieces; a symbolic link does not count."""
    folder = pieces_of(store)
    return folder.is_dir() and not folder.is_symlink()


def check_piece(path: Path, store: Path) -> None:
    """Raise `DamagedShardError` unless a file is a piece in the folder of a store."""
    own = path.parent == pieces_of(store) or path.parent.resolve() == pieces_of(store).resolve()
    if not (own and has_pieces(store) and path.match("shard-*.npz") and is_regular(path)):
        raise DamagedShardError(f"{path} is not a file among the pieces for {store}")


@dataclass(frozen=True)
class Piece:
    """A file of clips that is not part of the store yet.

    Parameters
    ----------
    path : Path
    n_clips : int
    full : bool
        Whether it ends where the store's writer would have ended a shard.
    """

    path: Path
    n_clips: int
    full: bool


class PieceWriter:
    """Write clips into pieces, each of which ends where a shard would.

    Parameters
    ----------
    folder : Path
        Must exist; if it does not, the run has ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pieces: list[tuple[Piece, list[str]]] = []
        self._held: dict[str, Features] = {}
        self._n_bytes = 0

    def add(self, key: str, features: Features) -> None:
        """Add a clip."""
        self._held[key] = features
        self._n_bytes += features.frames.nbytes
        if is_full(len(self._held), self._n_bytes):
            self.close()

    def close(self) -> None:
        """Write the clips that are waiting."""
        if self._held:
            path = write_shard(self.folder, self._held)
            assert isinstance(path, Path)
            full = is_full(len(self._held), self._n_bytes)
            self.pieces.append((Piece(path, len(self._held), full), list(self._held)))
            self._held, self._n_bytes = {}, 0


class LeftPieces:
    """Pieces that a run left in a store's folder because it ended early.

    Parameters
    ----------
    store : Path or RemotePath
        The store's folder, whose lock must be held. There are no pieces on object storage.
    wanted : collection of str
        Keys of the clips that are still to be added.
    dim : int, optional
        Values a frame, according to the store's description.
    """

    def __init__(self, store: AnyPath, wanted: Collection[str], dim: int | None = None) -> None:
        self.of: dict[str, Piece] = {}
        self._dim = dim
        self._read: tuple[Path | None, dict[str, Features]] = (None, {})
        self._store = store
        if not isinstance(store, Path) or not has_pieces(store):
            return
        folder = pieces_of(store)
        for run in folder.glob("run-*"):  # stops the workers of that run, if there are any
            remove_regular(run)
        for path in sorted(folder.glob("shard-*.npz")):
            try:
                keys = [key for key in read_keys(path, dim) if key in wanted]
            except DataError as error:
                logger.warning("%s; its clips will be extracted again", error)
                remove_regular(path)
                continue
            self.of |= dict.fromkeys(keys, Piece(path, len(keys), full=False))

    def read(self, key: str) -> Features:
        """Return the features of a clip; consecutive clips of a piece cost one read."""
        path = self.of[key].path
        if self._read[0] != path:
            try:
                self._read = path, dict(read_shard(path, self._dim))
            except DamagedShardError:
                remove_regular(path)
                raise
        return self._read[1][key]

    def remove(self) -> None:
        """Delete the pieces, whose clips are in the store now, and their folder if it is empty."""
        if not isinstance(self._store, Path) or not has_pieces(self._store):
            return
        folder = pieces_of(self._store)
        with contextlib.suppress(OSError):
            for pattern in ("shard-*.npz", "run-*", ".shard-*.part"):
                for path in folder.glob(pattern):
                    remove_regular(path)
            folder.rmdir()
