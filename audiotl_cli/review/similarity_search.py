"""Find the stored clips that sound most like recordings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.pooling import FloatArray, pool
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError
from audiotl_cli.experiments.stored import StoredFrames
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.processors import n_processors
from audiotl_cli.review.clip_names import find_rows, name_of, read_name
from audiotl_cli.review.similarity import POOLING, SimilarityScale
from audiotl_cli.store.memo import HashMemo, clip_key
from audiotl_cli.store.store import FeatureStore

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
class Query:
    """A recording to search for.

    Parameters
    ----------
    name : str
    source : AudioSource
    key : str
        In the stores; empty if there is an error.
    error : AudioError or None
        Why it cannot be used.
    """

    name: str
    source: AudioSource
    key: str = ""
    error: AudioError | None = None


def read_query(name: str, index: Index, keys: Sequence[str], memo: HashMemo) -> list[Query]:
    """Return the file that a name means, or the clips of the index."""
    source = read_name(name)
    try:
        source = replace(source, content=memo.content(source.path))
    except AudioError as error:
        if error.code == "missing" and (rows := find_rows(index, source)):
            clips = [index.source(index.clips[row]) for row in rows]
            return [
                Query(name_of(clip), clip, keys[row]) for clip, row in zip(clips, rows, strict=True)
            ]
        return [Query(name, source, error=error)]
    assert source.content is not None
    key = clip_key(source.content.sha256, source.start_s, source.end_s)
    return [Query(name, source, key)]


def embed_queries(
    queries: Sequence[Query],
    stores: Sequence[FeatureStore],
    networks: Sequence[Extractor],
    held: Collection[str],
    workers: int | None,
) -> list[list[FloatArray] | AudioError]:
    """Return the vectors of every recording, a vector by each extractor, or why there are none.

    Parameters
    ----------
    queries : sequence of Query
    stores : sequence of FeatureStore
    networks : sequence of Extractor
        Those of the stores; empty where the stores hold all recordings.
    held : collection of str
        Keys of the clips that the stores hold.
    workers : int or None
    """
    workers = workers or n_processors()
    stored = {query.key for query in queries if query.key in held}
    new = [query for query in queries if query.error is None and query.key not in held]
    embedded: list[list[FloatArray] | AudioError] = [query.error or [] for query in queries]
    for part, store in enumerate(stores):
        known = store.read(stored)
        if networks:
            networks[part].use_threads(workers)
            fresh = embed_sources(networks[part], [query.source for query in new], workers=workers)
        for i, query in enumerate(queries):
            if query.error is not None:
                continue
            if query.key in held:
                frames = known[query.key].frames
            else:
                result = next(fresh)
                if result.embeddings is None:
                    assert result.error is not None
                    embedded[i] = result.error
                    continue
                frames = result.embeddings.frames
            so_far = embedded[i]
            if not isinstance(so_far, AudioError):
                so_far.append(pool(frames, POOLING))
    return embedded


def find_neighbours(
    index: Index,
    stores: Sequence[FeatureStore],
    keys: Sequence[str],
    rows: Sequence[int],
    queries: Sequence[tuple[str, Sequence[FloatArray]]],
    n_most: int,
    on_clips: Callable[[int, int], None],
) -> list[list[Neighbour]]:
    """Return the stored clips most similar to each recording, but for the recording itself.

    Parameters
    ----------
    index : Index
    stores : sequence of FeatureStore
    keys : sequence of str
        Of all clips of the index.
    rows : sequence of int
        Positions of the clips to compare.
    queries : sequence of (str, list of float32 (1, dim))
        Key and vectors of each recording, a vector by each extractor.
    n_most : int
    on_clips : callable
        Called with the number of clips that have been compared, and of how many.
    """
    best = _Best(len(queries), n_most)
    vectors = [
        np.concatenate([np.empty((0, 2 * store.dim), np.float32), *(v[part] for _, v in queries)])
        for part, store in enumerate(stores)
    ]
    done = 0
    for some, cosines in _compare(StoredFrames(stores, keys), rows, vectors):
        itself = [[keys[row] == key for row in some] for key, _ in queries]
        best.add(some, np.where(np.reshape(itself, cosines.shape), -np.inf, cosines))
        done += len(some)
        on_clips(done, len(rows))
    return [
        [Neighbour(index.clips[row], index.source(index.clips[row]), like) for row, like in found]
        for found in best.ranked()
    ]


def _compare(
    frames: StoredFrames, rows: Sequence[int], asked: Sequence[FloatArray]
) -> Iterator[tuple[list[int], FloatArray]]:
    """Return the similarity (n_asked, n_rows) of stored clips, some rows at a time."""
    scales: list[SimilarityScale] = []
    units: list[FloatArray] = []

    def learn(held: Sequence[tuple[list[int], list[FloatArray]]]) -> None:
        for part, vectors in enumerate(asked):
            scales.append(
                SimilarityScale.measure(np.concatenate([found[part] for _, found in held]))
            )
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
