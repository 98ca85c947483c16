"""Embed the clips of an index into the feature store."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.cluster.connection import check_address
from audiotl_cli.cluster.extract import add_from_cluster, pack
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import UsageError
from audiotl_cli.extraction import Failure, Failures, add_from_here, clips_by_key, open_store
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.processors import n_processors
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath, need_local
from audiotl_cli.store.pieces import LeftPieces
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.tidy import tidy
from audiotl_cli.stored_clips import HashedClip, store_spec

OnClip = Callable[[int, int, float], None]
"""Called with the number of clips done, of how many, and the seconds of audio decoded so far."""


@dataclass(frozen=True)
class ExtractOptions:
    """Where features are put, and how they are made.

    Parameters
    ----------
    store : Path, RemotePath or None
        The folder of stores, or the extractor's own store; None for the project's stores.
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

    store: AnyPath | None = None
    workers: int | None = None
    batch_size: int | None = None
    limit: int | None = None
    strict: bool = False
    max_error_rate: float | None = None
    cluster: str | None = None

    def check(self) -> None:
        """Refuse what cannot be done whatever the clips are, before any is read.

        Raises
        ------
        UsageError
            A number out of range, or an address that is none.
        """
        counts = (self.workers, self.batch_size, self.limit)
        if any(count is not None and count < 1 for count in counts):
            raise UsageError("--workers, --batch-size and --limit are counts from 1")
        if self.max_error_rate is not None and not 0 <= self.max_error_rate <= 1:
            raise UsageError(
                f"--max-error-rate is {self.max_error_rate}, expected a share from 0 to 1"
            )
        if self.cluster is not None:
            check_address(self.cluster)
            if self.workers is not None:
                raise UsageError("--workers counts threads of this machine, --cluster has workers")


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


def extract_features(
    project: Project,
    index: Index,
    extractor: Extractor,
    options: ExtractOptions = ExtractOptions(),
    *,
    on_clip: OnClip = lambda done, total, audio_s: None,
) -> ExtractReport:
    """Embed what the store does not hold yet.

    Parameters
    ----------
    project : Project
    index : Index
    extractor : Extractor
    options : ExtractOptions
    on_clip : callable

    Raises
    ------
    DataError
        The store is one of other features; or too many clips failed. What was embedded before
        stays in the store.
    UsageError
        A number out of range, or an address that is none.
    ClusterError
        There is no cluster, or its workers do not fit.
    """
    started = time.perf_counter()
    options.check()
    if options.batch_size is not None:
        extractor.batch_size = options.batch_size
    extractor.use_threads(options.workers or n_processors())
    # packed before anything is written: not every extractor can be sent
    packed = b"" if options.cluster is None else pack(extractor)
    index = replace(index, clips=index.clips[: options.limit])
    store = open_store(options.store or project.features_dir, extractor)
    if options.cluster is not None:
        need_local(store.folder, "--cluster needs a store on a disk that all workers share")
    failures = Failures(len(index.clips), strict=options.strict, max_rate=options.max_error_rate)
    wanted = clips_by_key(index, project.open_memo(store.folder), failures)
    added = _Added()
    if all(key in store for key in wanted):
        tidy(store)  # nothing else is written: the folder may be one only for reading
    else:
        added = _add(store, index, wanted, extractor, packed, options, failures, on_clip)
    store.touch()
    return ExtractReport(
        store,
        store_spec(store),
        added.n_clips,
        len(index.clips) - added.n_clips - len(failures.items),
        failures.items,
        added.audio_s,
        time.perf_counter() - started,
    )


@dataclass
class _Added:
    """Clips that were added, and the seconds of audio decoded for them."""

    n_clips: int = 0
    audio_s: float = 0.0


def _add(
    store: FeatureStore,
    index: Index,
    wanted: dict[str, list[HashedClip]],
    extractor: Extractor,
    packed: bytes,
    options: ExtractOptions,
    failures: Failures,
    on_clip: OnClip,
) -> _Added:
    """Embed the clips that the store lacks, here or on a cluster."""
    added = _Added()
    with store.writer() as writer:
        # only now: another run may have added some, or a damaged shard been found
        missing = {key: same for key, same in wanted.items() if key not in store}
        left = LeftPieces(store.folder, missing, store.dim)

        def report(done: int, audio_s: float) -> None:
            added.audio_s = audio_s
            on_clip(done, len(missing), audio_s)

        report(0, 0.0)
        if options.cluster is None:
            workers = options.workers or n_processors()
            keys = add_from_here(writer, left, index, missing, extractor, workers, report)
        else:
            keys = add_from_cluster(writer, left, index, missing, packed, options.cluster, report)
        with closing(keys):  # so that an error here stops the workers at once
            for key, error in keys:
                if error is None:
                    added.n_clips += 1
                    continue
                for hashed in missing[key]:
                    failures.add(index.source(hashed.clip).path, error)
        writer.close()
        left.remove()
    return added
