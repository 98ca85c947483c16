"""Locate the files of a project, and choose the default index, model and feature stores."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.storage.contents import Content
from audiotl_cli.storage.paths import AnyPath, join
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.description import STORE_FILE
from audiotl_cli.store.memo import HashMemo, clip_key
from audiotl_cli.store.store import FeatureStore, open_stores

logger = logging.getLogger(__name__)

DATA = Path("data")
AUDIO = DATA / "audio"
INDEXES = DATA / "index"
FEATURES = DATA / "features"
MODELS = DATA / "models"
EXPERIMENTS = DATA / "experiments"

REQUESTS_AT_ONCE = 16
"""To object storage, about recordings."""


def newest_index() -> Path:
    """Return the index in ``data/index`` that was written last.

    Raises
    ------
    DataError
        There is none.
    """
    indexes = list(INDEXES.glob("*.csv"))
    if not indexes:
        raise DataError(f"there is no index in {INDEXES}; create one with: audiotl index FOLDER")
    return max(indexes, key=lambda path: (path.stat().st_mtime_ns, path.name))


def newest_model() -> Path:
    """Return the model in ``data/models`` that was saved last.

    Raises
    ------
    DataError
        There is none.
    """
    models = list(MODELS.glob("*.joblib"))
    if not models:
        raise DataError(f"there is no model in {MODELS}; train one with: audiotl train")
    return max(models, key=lambda path: (path.stat().st_mtime_ns, path.name))


def open_memo(root: AnyPath) -> HashMemo:
    """Return the memo of file hashes kept beside the stores in `root`.

    Of stores on object storage it lies in the project: many may write to those at once.
    """
    return HashMemo((root if isinstance(root, Path) else FEATURES) / ".hashes")


def clip_keys(index: Index, memo: HashMemo) -> list[str | AudioError]:
    """Return the key of every clip in the store, or why it has none.

    The hash of a file that is not there is taken from the index, so that features can be
    used without the audio they were made from.
    """
    return [
        clip if isinstance(clip, AudioError) else clip.key for clip in hashed_clips(index, memo)
    ]


@dataclass(frozen=True, slots=True)
class HashedClip:
    """A clip and what its recording held when it was hashed.

    Parameters
    ----------
    clip : Clip
    content : Content
    """

    clip: Clip
    content: Content

    @property
    def key(self) -> str:
        """Its key in the store."""
        return clip_key(self.content.sha256, self.clip.start_s, self.clip.end_s)

    def source(self, index: Index) -> AudioSource:
        """Return where its samples are; another content than the one hashed is not decoded."""
        return replace(index.source(self.clip), content=self.content)


def hashed_clips(index: Index, memo: HashMemo) -> list[HashedClip | AudioError]:
    """Hash the recordings of an index; see `clip_keys`."""
    hashed: list[HashedClip | AudioError] = []
    names = dict.fromkeys(clip.path for clip in index.clips)  # a recording may be a thousand clips
    try:
        found = dict(
            zip(names, _contents([_place(index, name) for name in names], memo), strict=True)
        )
    finally:  # a network that fails half way
        memo.save()
    for clip in index.clips:
        content = found[clip.path]
        if isinstance(content, AudioError):
            if content.code != "missing" or not clip.sha256:
                hashed.append(content)
                continue
            content = Content(clip.sha256)
        hashed.append(HashedClip(clip, content))
    return hashed


def _place(index: Index, name: str) -> str | AnyPath:
    if isinstance(index.audio_root, Path) and "://" not in name:
        return os.path.join(index.audio_root, name)  # noqa: PTH118  (a Path takes longer)
    return join(index.audio_root, name)


def _contents(paths: Sequence[str | AnyPath], memo: HashMemo) -> Iterator[Content | AudioError]:
    def content(path: str | AnyPath) -> Content | AudioError:
        try:
            return memo.content(path)
        except AudioError as error:
            return error

    if not any(isinstance(path, RemotePath) for path in paths):
        yield from map(content, paths)
        return
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        try:
            yield from pool.map(content, paths)
        finally:
            pool.shutdown(cancel_futures=True)


def is_store(folder: AnyPath) -> bool:
    """Return whether a folder is one store rather than a folder of stores."""
    return (folder / STORE_FILE).is_file()


def open_all(root: AnyPath) -> list[FeatureStore]:
    """Open a store, or all in a folder of stores, the one used last at the end.

    Raises
    ------
    DataError
        There is none.
    """
    stores = [FeatureStore(root)] if is_store(root) else open_stores(root)
    if not stores:
        raise no_store(root)
    return stores


def no_store(root: AnyPath) -> DataError:
    """Return the error of a folder without stores."""
    return DataError(f"there is no feature store in {root}; create one with: audiotl extract")


def find_stores(root: AnyPath, extractors: list[str], keys: set[str]) -> list[FeatureStore]:
    """Return the stores that hold the clips of an index.

    Parameters
    ----------
    root : Path or RemotePath
        A folder of stores, or one store.
    extractors : list of str
        One store for each: the one used last whose extractor (or folder) is called so.
        Empty: the store used last.
    keys : set of str
        Stores that hold none of these are passed over.

    Raises
    ------
    DataError
        There is no such store; says which there are.
    """
    candidates = [FeatureStore(root)] if is_store(root) else open_stores(root)
    stores = [store for store in candidates if not keys.isdisjoint(store.keys())]
    if not stores:
        raise DataError(
            f"{root} has no features of the clips in this index; extract them with: audiotl extract"
        )
    if not extractors:
        if stores[-1] is not candidates[-1]:
            logger.warning(
                "%s was used last, but has no features of the clips in this index; using %s "
                "instead (choose with --extractor)",
                candidates[-1].folder,
                stores[-1].folder,
            )
        return [stores[-1]]
    found = []
    for name in extractors:
        named = [store for store in stores if name in (store.extractor, store.folder.name)]
        if not named:
            known = ", ".join(sorted({store.extractor for store in stores}))
            raise DataError(
                f"{root} has no {name!r} features of the clips in this index, only features of "
                f"{known}; extract them with: audiotl extract --extractor {name}"
            )
        found.append(named[-1])
    return found


def store_spec(store: FeatureStore) -> ExtractorSpec:
    """Return the extractor that made a store's features, as a model card has it."""
    made = store.made_from
    return ExtractorSpec(
        ExtractorConfig.of_description(store.extractor, made),
        fingerprint=store.fingerprint,
        dim=store.dim,
        weights=made.get("weights", "unknown"),
        imported="imported" in made,
    )
