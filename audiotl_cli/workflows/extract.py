"""Embed the clips of an index into the feature store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudioError, DataError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.engine import embed_sources
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore, fingerprint
from audiotl_cli.workflows.project import clip_keys, is_store, open_memo

OnClip = Callable[[int, int, float], None]
"""Told the clips done, of how many, and the seconds of audio decoded so far."""


@dataclass(frozen=True)
class Failure:
    """An input that could not be used.

    Parameters
    ----------
    path : str
    stage : str
        ``open``, ``decode`` or ``embed``.
    code, message : str
    """

    path: str
    stage: str
    code: str
    message: str

    @classmethod
    def of(cls, path: object, error: AudioError) -> Failure:
        return cls(str(path), error.stage, error.code, str(error))


@dataclass(frozen=True)
class ExtractReport:
    """What an extraction did.

    Parameters
    ----------
    store : FeatureStore
    n_added, n_skipped : int
        Clips embedded now, and found there already.
    failures : list of Failure
    audio_s, wall_s : float
        Seconds of audio embedded, and seconds that took.
    """

    store: FeatureStore
    n_added: int
    n_skipped: int
    failures: list[Failure]
    audio_s: float
    wall_s: float


def extract_features(
    index: Index,
    extractor: Extractor,
    root: Path,
    *,
    workers: int | None = None,
    limit: int | None = None,
    strict: bool = False,
    max_error_rate: float | None = None,
    on_clip: OnClip = lambda done, total, audio_s: None,
) -> ExtractReport:
    """Embed what the store does not hold yet.

    Parameters
    ----------
    index : Index
    extractor : Extractor
    root : Path
        The folder of stores, or the extractor's own store.
    workers : int or None
        Decoding threads, and threads of the network; None is one a core.
    limit : int or None
        Only the first clips of the index.
    strict : bool
        Whether the first clip that fails ends the run.
    max_error_rate : float or None
        Share of clips whose failure ends the run.
    on_clip : callable

    Raises
    ------
    DataError
        `root` is a store of other features; or too many clips failed. What was embedded
        before stays in the store.
    UsageError
        A number out of range.
    """
    started = time.perf_counter()
    if (workers is not None and workers < 1) or (limit is not None and limit < 1):
        raise UsageError("--workers and --limit are counts from 1")
    if max_error_rate is not None and not 0 <= max_error_rate <= 1:
        raise UsageError(f"--max-error-rate is {max_error_rate}, expected a share from 0 to 1")
    workers = workers or os.cpu_count() or 1
    extractor.use_threads(workers)
    if limit is not None:
        index = Index(list(index.clips)[:limit], index.audio_root, index.path)
    store = _open_store(root, extractor)
    memo_root = store.folder.parent
    failures: list[Failure] = []
    allowed = 0.0 if strict else 1.0 if max_error_rate is None else max_error_rate

    def fail(failure: Failure) -> None:
        failures.append(failure)
        if len(failures) > allowed * len(index.clips):
            raise DataError(
                f"{len(failures)} of {len(index.clips)} clips failed, more than allowed; the last "
                f"is {failure.path}: {failure.message}"
            )

    with store.writer() as writer:
        missing: dict[str, AudioSource] = {}
        for clip, key in zip(index.clips, clip_keys(index, open_memo(memo_root)), strict=True):
            source = index.source(clip)
            if isinstance(key, AudioError):
                fail(Failure.of(source.path, key))
            elif key not in store:
                missing.setdefault(key, source)
        n_skipped = len(index.clips) - len(missing) - len(failures)
        n_added, audio_s = 0, 0.0
        on_clip(0, len(missing), 0.0)
        results = embed_sources(extractor, missing.values(), workers=workers) if missing else ()
        for done, (item, result) in enumerate(zip(missing.items(), results, strict=True), 1):
            key, source = item
            audio_s += result.audio_s
            if result.error is not None:
                fail(Failure.of(source.path, result.error))
            elif result.embeddings is not None:
                writer.add(key, Features(result.embeddings.frames, result.embeddings.times))
                n_added += 1
            on_clip(done, len(missing), audio_s)
    os.utime(store.folder / "store.json")  # the store used last is what train takes
    wall_s = time.perf_counter() - started
    return ExtractReport(store, n_added, n_skipped, failures, audio_s, wall_s)


def _open_store(root: Path, extractor: Extractor) -> FeatureStore:
    made_from = asdict(extractor.describe())
    if not is_store(root):
        return FeatureStore.create(root, extractor.name, extractor.dim, made_from)
    store = FeatureStore(root)
    if store.fingerprint != fingerprint(made_from):
        raise DataError(
            f"{root} holds features of {store.extractor} made in another way "
            f"({store.fingerprint}); features of different makes are never mixed. Name the folder "
            "above it, and the right store is found or made there"
        )
    return store
