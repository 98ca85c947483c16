"""The clips of an index, and how feature stores know them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.listing import licence_of
from audiotl_cli.storage.contents import Content
from audiotl_cli.storage.paths import AnyPath, join
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.memo import HashMemo, clip_key
from audiotl_cli.store.store import FeatureStore

REQUESTS_AT_ONCE = 16
"""To object storage, about recordings."""


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


def store_spec(store: FeatureStore) -> ExtractorSpec:
    """Return the extractor that made a store's features, as a model card has it."""
    made = store.made_from
    return ExtractorSpec(
        ExtractorConfig.of_description(store.extractor, made),
        fingerprint=store.fingerprint,
        dim=store.dim,
        weights=made.get("weights", "unknown"),
        imported="imported" in made,
        licence="" if "imported" in made else licence_of(store.extractor),
    )
