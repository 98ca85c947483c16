"""Bring an index and its features together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.classifiers.pooling import FloatArray, Frames, Pooled, pool, pool_clip
from audiotl_cli.dataset.audio_root import check_recordings
from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip, Index, clip_labels
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.experiments.stored import StoredFrames, fits
from audiotl_cli.labels import canonical
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import folder_name
from audiotl_cli.store.find import find_stores, is_store, open_all
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import clip_keys, store_spec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledFeatures:
    """Clips that have both a label and features.

    Parameters
    ----------
    clips : list of Clip
    keys : list of str
        Of the clips in the stores.
    frames : sequence of sequences of float32 (n_frames, dim), or of Pooled
        One a clip: its frames by every extractor. `StoredFrames` where they are read from the
        stores whenever they are needed.
    extractors : list of ExtractorSpec
    stores : list of FeatureStore
    """

    clips: list[Clip]
    keys: list[str]
    frames: Sequence[Sequence[Frames]]
    extractors: list[ExtractorSpec]
    stores: list[FeatureStore]

    @cached_property
    def labels(self) -> list[str]:
        """The label of every clip; several are sorted and joined by ``;``."""
        return [LABEL_SEPARATOR.join(sorted(set(clip_labels(clip)))) for clip in self.clips]

    @cached_property
    def multi_label(self) -> bool:
        """Whether any clip has several labels."""
        return any(LABEL_SEPARATOR in label for label in self.labels)


def read_features(
    project: Project,
    index: Index,
    store: AnyPath | None,
    extractors: Sequence[str],
    poolings: Collection[str] | None = None,
    *,
    memory: int | None = None,
) -> LabelledFeatures:
    """Read the features of all labelled clips of an index.

    Parameters
    ----------
    project : Project
    index : Index
    store : Path, RemotePath or None
        A folder of stores, or one store; None for the project's stores.
    extractors : sequence of str
        Names, or store folders' names; empty for the store used last.
    poolings : collection of str, optional
        The only poolings that will be asked for. Where frames need not vote, they are pooled
        as they are read, and not kept.
    memory : int, optional
        Bytes that frames and what is made of them may take; half of this machine's unless
        given. More are left in the stores.

    Raises
    ------
    DataError
        No clip has both a label and features.
    """
    root = store or project.features_dir
    keyed = labelled_clips(project, index, root)
    stores = find_stores(root, extractors, {key for _, key in keyed})
    return read_clips(keyed, stores, poolings, memory)


def read_all_features(
    project: Project,
    index: Index,
    store: AnyPath | None,
    extractors: Sequence[str],
    *,
    memory: int | None = None,
) -> LabelledFeatures:
    """Read the features of all labelled clips of an index, of several extractors.

    Parameters
    ----------
    project, index, store
        As for `read_features`.
    extractors : sequence of str
        Names, or store folders' names; empty for all stores that hold as many of these clips
        as any does, by name.
    memory : int, optional
        As for `read_features`.

    Raises
    ------
    DataError
        As `read_features`.
    """
    root = store or project.features_dir
    keyed = labelled_clips(project, index, root)
    keys = {key for _, key in keyed}
    stores = find_stores(root, extractors, keys)
    if not extractors and not is_store(root):
        held = {found.folder.name: (found, len(keys & found.keys())) for found in open_all(root)}
        most = max(n for _, n in held.values())
        few = [name for name, (_, n) in held.items() if 0 < n < most]
        if few:
            # a note: comparing networks leaves a few clips in the stores of each
            logger.info("left out, for they hold fewer of the clips: %s", ", ".join(few))
        stores = [found for _, (found, n) in sorted(held.items()) if n == most]
    return read_clips(keyed, stores, memory=memory)


def read_features_of(
    project: Project,
    index: Index,
    store: AnyPath | None,
    specs: Sequence[ExtractorSpec],
    poolings: Collection[str] | None = None,
) -> LabelledFeatures:
    """Read the features a model was trained on, for another index; errors as above."""
    root = store or project.features_dir
    keyed = labelled_clips(project, index, root)
    stores = []
    for spec in specs:
        folder = root if is_store(root) else root / folder_name(spec.name, spec.fingerprint)
        if not is_store(folder) or FeatureStore(folder).fingerprint != spec.fingerprint:
            layer = f" --layer {spec.layer}" if spec.layer else ""
            raise DataError(
                f"{root} holds no features the model can use ({spec.name}, {spec.fingerprint}); "
                f"make them with: audiotl extract --extractor {spec.name}{layer} "
                f"--hop-s {spec.hop_s:g}"
            )
        stores.append(FeatureStore(folder))
    return read_clips(keyed, stores, poolings)


def is_multi_label(index: Index) -> bool:
    """Return whether any clip of an index has several labels."""
    return any(len(set(clip_labels(clip))) > 1 for clip in index.clips)


def labelled_clips(project: Project, index: Index, root: AnyPath) -> list[tuple[Clip, str]]:
    """Return the clips with a label, and their keys in the stores."""
    keys = clip_keys(index, project.open_memo(root))
    if all(isinstance(key, AudioError) for key in keys):
        check_recordings(index)
    labelled = [
        (clip, key if isinstance(key, str) else "")  # no store has such a key
        for clip, key in zip(index.clips, keys, strict=True)
        if clip_labels(clip)
    ]
    if not labelled:
        raise DataError(
            f"no clip of {index.path} has a label; give labels with audiotl label, or with "
            "audiotl index --labels-from"
        )
    if len(labelled) < len(keys):
        logger.info(
            "%d of %d clips have no label and are left out", len(keys) - len(labelled), len(keys)
        )
    return labelled


def read_clips(
    keyed: list[tuple[Clip, str]],
    stores: list[FeatureStore],
    poolings: Collection[str] | None = None,
    memory: int | None = None,
) -> LabelledFeatures:
    """Read the features of clips, given their keys in the stores; errors as `read_features`."""
    held = set.intersection(*(store.keys() for store in stores))
    there = [(clip, key) for clip, key in keyed if key in held]
    if not there:
        raise DataError(
            f"none of the {len(keyed)} labelled clips has features in {stores[0].folder}; "
            "run: audiotl extract"
        )
    if len(there) < len(keyed):
        logger.warning(
            "%d of %d clips have no features in %s and are left out",
            len(keyed) - len(there),
            len(keyed),
            ", ".join(store.folder.name for store in stores),
        )
    keys = [key for _, key in there]
    frames: Sequence[Sequence[Frames]]
    if poolings is not None and "vote" not in poolings:
        pooled = [pool_clips(store, keys, poolings) for store in stores]
        frames = [[found[key] for found in pooled] for key in keys]
    elif fits(stores, keys, memory):
        features = [store.read(keys) for store in stores]
        frames = [[found[key].frames for found in features] for key in keys]
    else:
        frames = StoredFrames(stores, keys)
    return LabelledFeatures(
        clips=[clip for clip, _ in there],
        keys=keys,
        frames=frames,
        extractors=[store_spec(store) for store in stores],
        stores=stores,
    )


def pool_clips(
    store: FeatureStore,
    keys: Sequence[str],
    poolings: Collection[str],
    on_clips: Callable[[int], None] = lambda n_clips: None,
) -> dict[str, Pooled]:
    """Pool the frames of clips, every shard of the store read once.

    Parameters
    ----------
    store : FeatureStore
    keys : sequence of str
    poolings : collection of str
    on_clips : callable
        Called with the number of clips that have been pooled.
    """
    pooled: dict[str, Pooled] = {}
    for part in store.by_shard(keys).values():
        for key, found in store.read(part).items():
            pooled[key] = Pooled({name: pool(found.frames, name) for name in poolings})
        on_clips(len(pooled))
    return pooled


def pool_rows(data: LabelledFeatures, rows: Sequence[int], pooling: str) -> FloatArray:
    """Return one vector for each of some clips; `pooling` is any but ``vote``."""
    if not isinstance(data.frames, StoredFrames):
        return np.concatenate([pool_clip(data.frames[i], pooling) for i in rows])
    pooled = {
        i: pool_clip(clip, pooling)
        for some, clips in data.frames.blocks(rows)
        for i, clip in zip(some, clips, strict=True)
    }
    return np.concatenate([pooled[i] for i in rows])


def of_extractors(data: LabelledFeatures, parts: Sequence[int]) -> LabelledFeatures:
    """Return the features of some of the extractors."""
    return replace(
        data,
        frames=[[frames[part] for part in parts] for frames in data.frames],
        extractors=[data.extractors[part] for part in parts],
        stores=[data.stores[part] for part in parts],
    )


def evaluated(clip: Clip) -> EvaluatedClip:
    """Return a clip of an index as an evaluation has it."""
    label = canonical(clip.label)
    return EvaluatedClip(clip.path, label, clip.start_s, clip.end_s, clip.group, clip.fold)
