"""Embed the clips that a store does not have on a cluster, and add them."""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cluster.connection import connect
from audiotl_cli.cluster.fitness import Job, versions
from audiotl_cli.cluster.spread import Clips, OnProgress, spread
from audiotl_cli.cluster.task import Receipt
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError, UsageError, is_out_of_memory
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.files import refuse_link
from audiotl_cli.storage.paths import need_local
from audiotl_cli.store.pieces import LeftPieces, Piece, pieces_of
from audiotl_cli.store.shard import SHARD_CLIPS
from audiotl_cli.store.writer import StoreWriter
from audiotl_cli.stored_clips import HashedClip

TASK_AUDIO_S = 3600.0
"""Limit of a task, where the index has durations: if a worker dies, its current task is lost."""


def pack(extractor: Extractor) -> bytes:
    """Return an extractor, as it is before its first use, in the form that is sent to workers."""
    try:
        return pickle.dumps(extractor)
    except Exception as error:  # a plug-in may raise any exception
        if is_out_of_memory(error):
            raise
        raise UsageError(
            f"{extractor.name} cannot be sent to workers ({error}); extract without --cluster"
        ) from error


def add_from_cluster(
    writer: StoreWriter,
    left: LeftPieces,
    index: Index,
    missing: Mapping[str, Sequence[HashedClip]],
    extractor: bytes,
    address: str,
    on_progress: OnProgress,
) -> Generator[tuple[str, AudioError | None]]:
    """Embed clips on a cluster, and add them in the given order.

    Parameters
    ----------
    writer : StoreWriter
    left : LeftPieces
        Pieces of an earlier run, whose clips are not embedded again.
    index : Index
    missing : mapping of str to sequence of HashedClip
        Clips with the same samples, by key.
    extractor : bytes
        From `pack`.
    address : str
        See `connect`.
    on_progress : callable

    Yields
    ------
    key, error : str, AudioError or None
        For each key.
    """
    arrived = _Arrived(writer, list(missing), left.of)
    yield from arrived.add()
    to_do = [key for key in missing if key not in left.of]
    if not to_do:
        return
    folder = need_local(writer.store.folder, "--cluster needs a store on a disk")
    pieces = pieces_of(folder)
    audio = (missing[key][0].source(index).path for key in to_do)
    shared = (Path(os.path.abspath(path)) for path in audio if isinstance(path, Path))  # noqa: PTH100
    job = Job(
        token=secrets.token_hex(4),
        extractor=extractor,
        fingerprint=writer.store.fingerprint,
        pieces=os.path.abspath(pieces),  # noqa: PTH100
        audio=str(next((path for path in shared if path.exists()), "")),
        versions=versions(),
    )
    n_left = len(left.of)
    with connect(address) as client:
        refuse_link(pieces)
        pieces.mkdir(exist_ok=True)
        job.sign.touch()
        tasks = _cut(index, missing, to_do)
        receipts = spread(
            client, address, job, tasks, lambda done, audio_s: on_progress(n_left + done, audio_s)
        )
        try:
            with closing(receipts):
                for receipt in receipts:
                    arrived.take(receipt)
                    yield from arrived.add()
        finally:
            with contextlib.suppress(OSError):  # there are pieces in it
                pieces.rmdir()


class _Arrived:
    """Finished clips that wait until all clips before them are finished."""

    def __init__(self, writer: StoreWriter, order: list[str], left: Mapping[str, Piece]) -> None:
        self.writer = writer
        self.order = order
        self.at = 0
        self.found: dict[str, Piece | AudioError] = dict(left)

    def take(self, receipt: Receipt) -> None:
        for piece, keys in receipt.pieces:
            self.found |= dict.fromkeys(keys, piece)
        for key, stage, code, message in receipt.failures:
            self.found[key] = AudioError(message, code=code, stage=stage)

    def add(self) -> Iterator[tuple[str, AudioError | None]]:
        """Add the clips that are next in order; consecutive clips of a piece together."""
        run: list[str] = []
        piece: Piece | None = None
        while self.at < len(self.order) and self.order[self.at] in self.found:
            key = self.order[self.at]
            found = self.found.pop(key)
            self.at += 1
            if isinstance(found, AudioError):
                yield key, found
                continue
            if piece is not None and found.path != piece.path:
                self.writer.take(piece, run)
                yield from ((added, None) for added in run)
                run = []
            piece = found
            run.append(key)
        if piece is not None:
            self.writer.take(piece, run)
            yield from ((added, None) for added in run)


def _cut(
    index: Index, missing: Mapping[str, Sequence[HashedClip]], to_do: Sequence[str]
) -> Iterator[Clips]:
    task: list[tuple[str, AudioSource]] = []
    audio_s = 0.0
    for key in to_do:
        hashed = missing[key][0]
        length_s = _length_s(hashed.clip)
        if len(task) == SHARD_CLIPS or (task and audio_s + length_s > TASK_AUDIO_S):
            yield task
            task, audio_s = [], 0.0
        task.append((key, _absolute(hashed.source(index))))
        audio_s += length_s
    yield task


def _length_s(clip: Clip) -> float:
    if clip.end_s is not None:
        return clip.end_s - (clip.start_s or 0.0)
    return clip.duration_s or 0.0


def _absolute(source: AudioSource) -> AudioSource:
    if not isinstance(source.path, Path):
        return source
    # resolve() would follow links, which may lead elsewhere on another machine
    return replace(source, path=Path(os.path.abspath(source.path)))  # noqa: PTH100
