"""Embed the clips of an index into the feature store."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.cluster.connection import check_address
from audiotl_cli.cluster.extract import add_from_cluster, pack
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudioError, DataError, UsageError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.inference.same_extractor import chosen_extractor
from audiotl_cli.processors import n_processors
from audiotl_cli.project import HashedClip, hashed_clips, is_store, open_memo, store_spec
from audiotl_cli.storage.paths import AnyPath, need_local
from audiotl_cli.store.description import fingerprint
from audiotl_cli.store.pieces import LeftPieces
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.tidy import tidy
from audiotl_cli.store.writer import StoreWriter

OnClip = Callable[[int, int, float], None]
"""Told the clips done, of how many, and the seconds of audio decoded so far."""


@dataclass(frozen=True)
class RunOptions:
    """How an extraction runs, and when it gives up.

    Parameters
    ----------
    workers : int or None
        Decoding threads, and threads of the network; None is one a core.
    batch_size : int or None
        Windows that the network is given at once; None is the network's own.
    limit : int or None
        Only the first clips of the index.
    strict : bool
        Whether the first clip that fails ends the run.
    max_error_rate : float or None
        Share of clips whose failure ends the run.
    cluster : str or None
        Where a Dask cluster is, see `cluster.connection.connect`; the store ends up the same.
    """

    workers: int | None = None
    batch_size: int | None = None
    limit: int | None = None
    strict: bool = False
    max_error_rate: float | None = None
    cluster: str | None = None

    def check(self) -> None:
        """Raise `UsageError` for a number out of range, or options that exclude each other."""
        counts = (self.workers, self.batch_size, self.limit)
        if any(count is not None and count < 1 for count in counts):
            raise UsageError("--workers, --batch-size and --limit are counts from 1")
        if self.cluster is not None:
            check_address(self.cluster)
            if self.workers is not None:
                raise UsageError("--workers counts threads of this machine, --cluster has workers")


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


@dataclass(frozen=True)
class ExtractReport:
    """What an extraction did.

    Parameters
    ----------
    store : FeatureStore
    extractor : ExtractorSpec
        What the features are made with.
    n_added, n_skipped : int
        Clips embedded now, and found there already.
    failures : list of Failure
    audio_s, wall_s : float
        Seconds of audio embedded, and seconds that took.
    """

    store: FeatureStore
    extractor: ExtractorSpec
    n_added: int
    n_skipped: int
    failures: list[Failure]
    audio_s: float
    wall_s: float


def extract_with(
    config: ExtractorConfig,
    index: Index,
    root: AnyPath,
    run: RunOptions,
    *,
    typed: bool,
    on_clip: OnClip = lambda done, total, audio_s: None,
) -> ExtractReport:
    """Embed what the store does not hold yet, with an extractor that the user chose.

    Parameters
    ----------
    config : ExtractorConfig
    index, root, run, on_clip
        See `extract_features`; errors as there, too.
    typed : bool
        Whether the user typed the name of the extractor, or ``audiotl.toml`` brings it.

    Raises
    ------
    ArtifactError
        The extractor is not typed, and a program that the user does not trust.
    """
    extractor = chosen_extractor(config, typed=typed)
    return extract_features(index, extractor, root, run, on_clip=on_clip)


def extract_features(
    index: Index,
    extractor: Extractor,
    root: AnyPath,
    run: RunOptions = RunOptions(),
    *,
    on_clip: OnClip = lambda done, total, audio_s: None,
) -> ExtractReport:
    """Embed what the store does not hold yet.

    Parameters
    ----------
    index : Index
    extractor : Extractor
    root : Path or RemotePath
        The folder of stores, or the extractor's own store.
    run : RunOptions
    on_clip : callable

    Raises
    ------
    DataError
        `root` is a store of other features; or too many clips failed. What was embedded
        before stays in the store.
    UsageError
        A number out of range, or an address that is none.
    ClusterError
        There is no cluster, or its workers do not fit.
    """
    started = time.perf_counter()
    run.check()
    workers, cluster = run.workers or n_processors(), run.cluster
    if run.batch_size is not None:
        extractor.batch_size = run.batch_size
    packed = b"" if cluster is None else pack(extractor)
    extractor.use_threads(workers)
    if run.limit is not None:
        index = replace(index, clips=index.clips[: run.limit])
    store = _open_store(root, extractor)
    if cluster is not None:
        need_local(store.folder, "--cluster needs a store on a disk that all workers share")
    failures = _Failures(len(index.clips), strict=run.strict, max_rate=run.max_error_rate)
    n_added, audio_s = 0, 0.0
    wanted = _by_key(index, store, failures)
    if all(key in store for key in wanted):
        tidy(store)  # nothing else is written: the folder may be one only for reading
    else:
        with store.writer() as writer:
            # only now: another run may have added some, or a damaged shard been found
            missing = {key: same for key, same in wanted.items() if key not in store}
            left = LeftPieces(store.folder, missing, store.dim)

            def told(done: int, so_far_s: float) -> None:
                nonlocal audio_s
                audio_s = so_far_s
                on_clip(done, len(missing), audio_s)

            told(0, 0.0)
            if cluster is None:
                added = _add_from_here(writer, left, index, missing, extractor, workers, told)
            else:
                added = add_from_cluster(writer, left, index, missing, packed, cluster, told)
            with closing(added):  # so that an error here stops the workers at once
                for key, error in added:
                    if error is None:
                        n_added += 1
                        continue
                    for hashed in missing[key]:
                        failures.add(index.source(hashed.clip).path, error)
            writer.close()
            left.remove()
    store.touch()
    n_skipped = len(index.clips) - n_added - len(failures.items)
    wall_s = time.perf_counter() - started
    spec = store_spec(store)
    return ExtractReport(store, spec, n_added, n_skipped, failures.items, audio_s, wall_s)


class _Failures:
    """Collects failures until there are more than allowed."""

    def __init__(self, n_clips: int, *, strict: bool, max_rate: float | None) -> None:
        if max_rate is not None and not 0 <= max_rate <= 1:
            raise UsageError(f"--max-error-rate is {max_rate}, expected a share from 0 to 1")
        self.items: list[Failure] = []
        self.n_clips = n_clips
        self.n_allowed = 0.0 if strict else n_clips * (1.0 if max_rate is None else max_rate)

    def add(self, path: AnyPath, error: AudioError) -> None:
        self.items.append(Failure(str(path), error.stage, error.code, str(error)))
        if len(self.items) > self.n_allowed:
            raise DataError(
                f"{len(self.items)} of {self.n_clips} clips failed, more than allowed; the last "
                f"is {path}: {error}"
            )


def _add_from_here(
    writer: StoreWriter,
    left: LeftPieces,
    index: Index,
    missing: Mapping[str, list[HashedClip]],
    extractor: Extractor,
    workers: int,
    on_progress: Callable[[int, float], None],
) -> Generator[tuple[str, AudioError | None]]:
    """Embed clips in this process and add them; tell of every key, or why it failed."""
    to_do = (same[0].source(index) for key, same in missing.items() if key not in left.of)
    results = embed_sources(extractor, to_do, workers=workers)
    audio_s = 0.0
    with closing(results):
        for done, key in enumerate(missing, 1):
            error = None
            if key in left.of:
                writer.add(key, left.read(key))
            else:
                result = next(results)
                audio_s += result.audio_s
                error = result.error
                if result.embeddings is not None:
                    writer.add(key, Features(result.embeddings.frames, result.embeddings.times))
            on_progress(done, audio_s)
            yield key, error


def _by_key(index: Index, store: FeatureStore, failures: _Failures) -> dict[str, list[HashedClip]]:
    """Return the clips by key: recordings with the same samples together.

    Files without a key have failed.
    """
    found: dict[str, list[HashedClip]] = {}
    hashed = hashed_clips(index, open_memo(store.folder.parent))
    for clip, content in zip(index.clips, hashed, strict=True):
        if isinstance(content, AudioError):
            failures.add(index.source(clip).path, content)
        else:
            found.setdefault(content.key, []).append(content)
    return found


def _open_store(root: AnyPath, extractor: Extractor) -> FeatureStore:
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
