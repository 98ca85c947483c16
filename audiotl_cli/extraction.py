"""Embed clips into a feature store, and note which could not be."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass

from audiotl_cli.cluster.connection import check_address
from audiotl_cli.cluster.extract import add_from_cluster
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudioError, DataError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.processors import n_processors
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import fingerprint
from audiotl_cli.store.find import is_store
from audiotl_cli.store.memo import HashMemo
from audiotl_cli.store.pieces import LeftPieces
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.writer import StoreWriter
from audiotl_cli.stored_clips import HashedClip, hashed_clips

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
            raise UsageError("--workers, --batch-size and --limit must be at least 1")
        if self.max_error_rate is not None and not 0 <= self.max_error_rate <= 1:
            raise UsageError(
                f"--max-error-rate is {self.max_error_rate}, expected a number from 0 to 1"
            )
        if self.cluster is not None:
            check_address(self.cluster)
            if self.workers is not None:
                raise UsageError(
                    "--workers is for threads of this machine and cannot be combined with --cluster"
                )


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


class Failures:
    """Collects failures until there are more than allowed.

    Parameters
    ----------
    n_clips : int
    strict : bool
        Whether the first clip that fails ends the run.
    max_rate : float or None
        Share of clips whose failure ends the run.
    """

    def __init__(self, n_clips: int, *, strict: bool, max_rate: float | None) -> None:
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


def add_from_here(
    writer: StoreWriter,
    left: LeftPieces,
    index: Index,
    missing: Mapping[str, list[HashedClip]],
    extractor: Extractor,
    workers: int,
    on_progress: Callable[[int, float], None],
) -> Generator[tuple[str, AudioError | None]]:
    """Embed clips in this process and add them; yield every key, and why it failed."""
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


def clips_by_key(index: Index, memo: HashMemo, failures: Failures) -> dict[str, list[HashedClip]]:
    """Return the clips by key: recordings with the same samples together.

    Files without a key have failed.
    """
    found: dict[str, list[HashedClip]] = {}
    hashed = hashed_clips(index, memo)
    for clip, content in zip(index.clips, hashed, strict=True):
        if isinstance(content, AudioError):
            failures.add(index.source(clip).path, content)
        else:
            found.setdefault(content.key, []).append(content)
    return found


def open_store(root: AnyPath, extractor: Extractor) -> FeatureStore:
    """Open the store of an extractor's features, made first if it does not exist.

    Raises
    ------
    DataError
        `root` is a store of other features.
    """
    made_from = asdict(extractor.describe())
    if not is_store(root):
        return FeatureStore.create(root, extractor.name, extractor.dim, made_from)
    store = FeatureStore(root)
    if store.fingerprint != fingerprint(made_from):
        raise DataError(
            f"{root} holds features of {store.extractor} made with other settings "
            f"({store.fingerprint}), and these are never mixed. Name the folder above it, and "
            "audiotl finds or creates the right store in it"
        )
    return store


@dataclass
class Added:
    """Clips that were added, and the seconds of audio decoded for them."""

    n_clips: int = 0
    audio_s: float = 0.0


def add_missing(
    store: FeatureStore,
    index: Index,
    wanted: dict[str, list[HashedClip]],
    extractor: Extractor,
    packed: bytes,
    options: ExtractOptions,
    failures: Failures,
    on_clip: OnClip,
) -> Added:
    """Embed the clips that a store lacks, here or on a cluster.

    Parameters
    ----------
    store : FeatureStore
    index : Index
    wanted : dict
        Clips by key, see `clips_by_key`.
    extractor : Extractor
    packed : bytes
        The extractor, as it is sent to a cluster.
    options : ExtractOptions
    failures : Failures
        Gets the clips that fail.
    on_clip : callable
    """
    added = Added()
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
