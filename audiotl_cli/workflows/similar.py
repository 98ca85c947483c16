"""Find the clips of an index that sound most like a recording."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.inference.same_extractor import extractor_of_store
from audiotl_cli.project import Project
from audiotl_cli.review.similarity_search import (
    Similar,
    embed_queries,
    find_neighbours,
    read_query,
)
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import find_stores
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import clip_keys
from audiotl_cli.trust import parse_trust


@dataclass(frozen=True)
class SimilarOptions:
    """Where to search, and for how many clips.

    Parameters
    ----------
    n_most : int
        How many clips to find for each recording.
    extractors : sequence of str
        See `find_stores`; of several, the mean of the similarities counts.
    store : Path, RemotePath or None
        A folder of stores, or one store; None for the project's stores.
    trust : str or sequence of str
        ``sha256:`` and the digest of a program that a store's extractor is, which may run.
    typed : collection of str
        Extractors that the user typed in this run, whose programs may run.
    workers : int or None
        Threads that embed; None is one a core.
    """

    n_most: int = 10
    extractors: Sequence[str] = ()
    store: AnyPath | None = None
    trust: str | Sequence[str] = ()
    typed: Collection[str] = ()
    workers: int | None = None


def find_similar(
    project: Project,
    index: Index,
    names: Sequence[str],
    options: SimilarOptions = SimilarOptions(),
    *,
    on_clips: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Similar], list[FeatureStore]]:
    """Find the stored clips that sound most like recordings.

    Every stored clip is compared, shard by shard. What is not stored is embedded by the
    extractor of the store, set as it was then. The recording itself is not among what is found.

    Parameters
    ----------
    project : Project
    index : Index
        Whose clips are searched; it gives their paths and labels.
    names : sequence of str
        Recordings, stretches of them (``FILE:START-END``), or paths as in the index.
    options : SimilarOptions
    on_clips : callable
        Called with the number of clips that have been compared, and of how many.

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
    trusted = parse_trust(options.trust)
    memo = project.open_memo(options.store)
    keys = [key if isinstance(key, str) else "" for key in clip_keys(index, memo)]
    stores = find_stores(options.store or project.features_dir, options.extractors, set(keys))
    held = set.intersection(*(store.keys() for store in stores))
    rows = [i for i, key in enumerate(keys) if key in held]
    if not rows:
        raise DataError("no clip has features by every extractor; run: audiotl extract")
    queries = [query for name in names for query in read_query(name, index, keys, memo)]
    memo.save()
    if any(query.error is None and query.key not in held for query in queries):
        networks = [extractor_of_store(store, trusted, options.typed) for store in stores]
    else:
        networks = []
    embedded = embed_queries(queries, stores, networks, held, options.workers)
    usable = [
        (query.key, vectors)
        for query, vectors in zip(queries, embedded, strict=True)
        if not isinstance(vectors, AudioError)
    ]
    found = iter(find_neighbours(index, stores, keys, rows, usable, options.n_most, on_clips))
    results = [
        Similar(query.name, [], vectors)
        if isinstance(vectors, AudioError)
        else Similar(query.name, next(found))
        for query, vectors in zip(queries, embedded, strict=True)
    ]
    return results, stores
