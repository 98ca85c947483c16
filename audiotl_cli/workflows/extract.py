"""Embed the clips of an index into the feature store."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.cluster.extract import pack
from audiotl_cli.dataset.audio_root import check_recordings
from audiotl_cli.dataset.inaudible import describe_inaudible, find_inaudible
from audiotl_cli.dataset.index import Index
from audiotl_cli.extraction import (
    Added,
    ExtractOptions,
    Failure,
    Failures,
    OnClip,
    add_missing,
    clips_by_key,
    open_store,
)
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.processors import n_processors
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import need_local
from audiotl_cli.store.find import in_another_engine
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.tidy import tidy
from audiotl_cli.stored_clips import store_spec


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
    inaudible : dict
        Paths of clips that the network hears nothing of, by reason; see `find_inaudible`.
    warnings : list of str
        About these.
    note : str
        Why these features are not in a store that is already there; else empty.
    """

    store: FeatureStore
    extractor: ExtractorSpec
    n_added: int
    n_skipped: int
    failures: list[Failure]
    audio_s: float
    wall_s: float
    inaudible: dict[str, list[str]]
    warnings: list[str]
    note: str


def extract_features(
    project: Project,
    index: Index,
    extractor: Extractor,
    options: ExtractOptions,
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
    note = "" if len(store) else _note_engine(store)
    failures = Failures(len(index.clips), strict=options.strict, max_rate=options.max_error_rate)
    wanted = clips_by_key(index, project.open_memo(store.folder), failures)
    added = Added()
    if failures.items or any(key not in store for key in wanted):
        check_recordings(index)
    if all(key in store for key in wanted):
        tidy(store)  # nothing else is written: the folder may be one only for reading
    else:
        added = add_missing(store, index, wanted, extractor, packed, options, failures, on_clip)
    store.touch()
    kept = [(clip.clip.path, key) for key, clips in wanted.items() for clip in clips]
    inaudible = find_inaudible(project.open_measured(), kept, store.made_from)
    return ExtractReport(
        store,
        store_spec(store),
        added.n_clips,
        len(index.clips) - added.n_clips - len(failures.items),
        failures.items,
        added.audio_s,
        time.perf_counter() - started,
        inaudible,
        describe_inaudible(inaudible, len(kept), store.extractor, store.made_from),
        note,
    )


def _note_engine(store: FeatureStore) -> str:
    found = in_another_engine(store)
    if found is None:
        return ""
    other, engine = found
    return (
        f"{other.folder} has such features made by {engine}. Engines differ in the last digits, so "
        f"these are kept apart; --engine {engine} continues the others"
    )
