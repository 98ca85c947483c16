"""Find the clips of an index that sound most like a recording."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.likeness import POOLING, Likeness
from audiotl_cli.classifiers.pooling import FloatArray, pool
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.experiments.stored import StoredFrames
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.inference.same_extractor import extractor_of_store
from audiotl_cli.processors import n_processors
from audiotl_cli.project import clip_keys, find_stores, is_store, open_memo
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.memo import HashMemo, clip_key
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.trust import parse_trust
from audiotl_cli.workflows.clip_names import find_rows, name_of, read_name

SAMPLE_BYTES = 64 << 20
"""How many pooled vectors are kept while middles and deviations are learnt from them; those of
larger stores are learnt from the first shards, which lie in no order."""


@dataclass(frozen=True)
class Neighbour:
    """A clip of the index, and how like the recording it is.

    Parameters
    ----------
    clip : Clip
    source : AudioSource
        Where its samples are.
    similarity : float
        Cosine, -1 to 1; the mean over extractors.
    """

    clip: Clip
    source: AudioSource
    similarity: float


@dataclass(frozen=True)
class Similar:
    """What is most like one recording.

    Parameters
    ----------
    name : str
        As given; of a clip of the index, with its bounds.
    found : list of Neighbour
        The most similar first.
    error : AudioError or None
        Why the recording cannot be used.
    """

    name: str
    found: list[Neighbour]
    error: AudioError | None = None


@dataclass(frozen=True)
class _Query:
    name: str
    source: AudioSource
    key: str = ""
    error: AudioError | None = None


def find_similar(
    index: Index,
    root: AnyPath,
    extractors: list[str],
    names: Sequence[str],
    n_most: int,
    *,
    trust: str | Sequence[str] = (),
    typed: Collection[str] = (),
    workers: int | None = None,
    on_clips: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Similar], list[FeatureStore]]:
    """Find the stored clips that sound most like recordings.

    Every stored clip is compared, shard by shard. What is not stored is embedded by the
    extractor of the store, set as it was then. The recording itself is not among what is found.

    Parameters
    ----------
    index : Index
        Whose clips are searched; it gives their paths and labels.
    root : Path or RemotePath
        A folder of stores, or one store.
    extractors : list of str
        See `find_stores`; of several, the mean of the similarities counts.
    names : sequence of str
        Recordings, stretches of them (``FILE:START-END``), or paths as in the index.
    n_most : int
        How many clips to find for each.
    trust : str or sequence of str
        ``sha256:`` and the digest of a program that a store's extractor is, which may run.
    typed : collection of str
        Extractors that the user typed in this run, whose programs may run.
    workers : int or None
        Threads that embed; None is one a core.
    on_clips : callable
        Told how many clips have been compared, and of how many.

    Returns
    -------
    results : list of Similar
        In the order of `names`; a path of the index with several clips gives several.
    stores : list of FeatureStore
        What was searched.

    Raises
    ------
    DataError
        No clip has features; or what has none is to be embedded and cannot.
    ArtifactError
        The store's extractor gives other features here than when it was filled, or is a program
        that the user does not trust.
    """
    memo = open_memo(root.parent if is_store(root) else root)
    keys = [key if isinstance(key, str) else "" for key in clip_keys(index, memo)]
    stores = find_stores(root, extractors, set(keys))
    held = set.intersection(*(store.keys() for store in stores))
    rows = [i for i, key in enumerate(keys) if key in held]
    if not rows:
        raise DataError("no clip has features by every extractor; run: audiotl extract")
    queries = [query for name in names for query in _read_query(name, index, keys, memo)]
    memo.save()
    new = any(query.error is None and query.key not in held for query in queries)
    trusted = parse_trust(trust)
    networks = [extractor_of_store(one, trusted, typed) if new else None for one in stores]
    asked = _embed(queries, stores, networks, held, workers)
    usable = [i for i, one in enumerate(asked) if not isinstance(one, AudioError)]
    known = [one for one in asked if not isinstance(one, AudioError)]
    best = _Best(len(usable), n_most)
    own = [queries[i].key for i in usable]
    vectors = [
        np.concatenate([np.empty((0, 2 * store.dim), np.float32), *(one[part] for one in known)])
        for part, store in enumerate(stores)
    ]
    done = 0
    for some, cosines in _compare(StoredFrames(stores, keys), rows, vectors):
        itself = [[keys[row] == key for row in some] for key in own]
        best.add(some, np.where(np.reshape(itself, cosines.shape), -np.inf, cosines))
        done += len(some)
        on_clips(done, len(rows))
    found = dict(zip(usable, best.ranked(), strict=True))
    results = [
        Similar(query.name, [], one)
        if isinstance(one, AudioError)
        else Similar(query.name, [_neighbour(index, *pair) for pair in found[i]])
        for i, (query, one) in enumerate(zip(queries, asked, strict=True))
    ]
    return results, stores


def _neighbour(index: Index, row: int, similarity: float) -> Neighbour:
    clip = index.clips[row]
    return Neighbour(clip, index.source(clip), similarity)


def _read_query(name: str, index: Index, keys: Sequence[str], memo: HashMemo) -> list[_Query]:
    """Return the file that a name means, or the clips of the index."""
    source = read_name(name)
    try:
        source = replace(source, content=memo.content(source.path))
    except AudioError as error:
        if error.code == "missing" and (rows := find_rows(index, source)):
            clips = [index.source(index.clips[row]) for row in rows]
            return [_Query(name_of(c), c, keys[row]) for c, row in zip(clips, rows, strict=True)]
        return [_Query(name, source, error=error)]
    assert source.content is not None
    key = clip_key(source.content.sha256, source.start_s, source.end_s)
    return [_Query(name, source, key)]


def _embed(
    queries: Sequence[_Query],
    stores: Sequence[FeatureStore],
    networks: Sequence[Extractor | None],
    held: Collection[str],
    workers: int | None,
) -> list[list[FloatArray] | AudioError]:
    """Return the vectors of every recording, one an extractor, or why there are none."""
    workers = workers or n_processors()
    stored = {query.key for query in queries if query.key in held}
    new = [query for query in queries if query.error is None and query.key not in held]
    told: list[list[FloatArray] | AudioError] = [query.error or [] for query in queries]
    for store, extractor in zip(stores, networks, strict=True):
        known = store.read(stored)
        if extractor is not None:
            extractor.use_threads(workers)
            fresh = embed_sources(extractor, [query.source for query in new], workers=workers)
        for i, query in enumerate(queries):
            if query.error is not None:
                continue
            if query.key in held:
                frames = known[query.key].frames
            else:
                result = next(fresh)
                if result.embeddings is None:
                    assert result.error is not None
                    told[i] = result.error
                    continue
                frames = result.embeddings.frames
            so_far = told[i]
            if not isinstance(so_far, AudioError):
                so_far.append(pool(frames, POOLING))
    return told


def _compare(
    frames: StoredFrames, rows: Sequence[int], asked: Sequence[FloatArray]
) -> Iterator[tuple[list[int], FloatArray]]:
    """Return the similarity (n_asked, n_rows) of stored clips, some rows at a time."""
    scales: list[Likeness] = []
    units: list[FloatArray] = []

    def learn(held: Sequence[tuple[list[int], list[FloatArray]]]) -> None:
        for part, vectors in enumerate(asked):
            scales.append(Likeness.measure(np.concatenate([found[part] for _, found in held])))
            units.append(scales[-1].units(vectors))

    def cosines(found: Sequence[FloatArray]) -> FloatArray:
        each = [u @ s.units(v).T for u, s, v in zip(units, scales, found, strict=True)]
        mean: FloatArray = np.clip(np.mean(each, axis=0), -1, 1)
        return mean

    kept: list[tuple[list[int], list[FloatArray]]] = []
    n_bytes = 0
    for some, clips in frames.blocks(rows, block_bytes=0):
        parts = range(len(asked))
        found = [np.concatenate([pool(clip[part], POOLING) for clip in clips]) for part in parts]
        if scales:
            yield some, cosines(found)
            continue
        kept.append((some, found))
        n_bytes += sum(vectors.nbytes for vectors in found)
        if n_bytes >= SAMPLE_BYTES:
            learn(kept)
            while kept:
                first, vectors = kept.pop()
                yield first, cosines(vectors)
    if kept:
        learn(kept)
        for first, vectors in kept:
            yield first, cosines(vectors)


class _Best:
    """The rows with the highest similarity so far, for each recording."""

    def __init__(self, n_queries: int, n_most: int) -> None:
        self.n_most = n_most
        self.rows = np.empty((n_queries, 0), np.int64)
        self.cosines: FloatArray = np.empty((n_queries, 0), np.float32)

    def add(self, rows: Sequence[int], cosines: FloatArray) -> None:
        more = np.broadcast_to(np.array(rows), cosines.shape)
        every = np.hstack([self.rows, more])
        values = np.hstack([self.cosines, cosines])
        order = np.lexsort((every, -values), axis=1)[:, : self.n_most]
        self.rows = np.take_along_axis(every, order, axis=1)
        self.cosines = np.take_along_axis(values, order, axis=1)

    def ranked(self) -> list[list[tuple[int, float]]]:
        """Return row and similarity, the highest first; of equal ones, the first row."""
        return [
            [(int(row), float(cosine)) for row, cosine in zip(*pair, strict=True) if cosine > -2]
            for pair in zip(self.rows, self.cosines, strict=True)
        ]
