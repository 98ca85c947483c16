"""Bring an index and its features together."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.classify.artifact import ExtractorSpec
from audiotl_cli.classify.pooling import FloatArray
from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip, Index
from audiotl_cli.errors import DataError
from audiotl_cli.store.store import FeatureStore, folder_name
from audiotl_cli.workflows.project import clip_keys, find_stores, is_store, open_all, open_memo

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledFeatures:
    """Clips that have both a label and features.

    Parameters
    ----------
    clips : list of Clip
    keys : list of str
        Of the clips in the stores.
    frames : list of list of float32 (n_frames, dim)
        One a clip: its frames by every extractor.
    extractors : list of ExtractorSpec
    stores : list of FeatureStore
    """

    clips: list[Clip]
    keys: list[str]
    frames: list[list[FloatArray]]
    extractors: list[ExtractorSpec]
    stores: list[FeatureStore]

    @property
    def labels(self) -> list[str]:
        """The label of every clip."""
        return [clip.label for clip in self.clips]


def read_features(index: Index, root: Path, extractors: list[str]) -> LabelledFeatures:
    """Read the features of all labelled clips of an index.

    Parameters
    ----------
    index : Index
    root : Path
        A folder of stores, or one store.
    extractors : list of str
        Names, or store folders' names; empty for the store used last.

    Raises
    ------
    DataError
        No clip has both a label and features, or a clip has several labels.
    """
    keyed = _keyed_clips(index, root)
    stores = find_stores(root, extractors, {key for _, key in keyed})
    return _read(keyed, stores, len(index.clips))


def read_all_features(index: Index, root: Path, extractors: list[str]) -> LabelledFeatures:
    """Read the features of all labelled clips of an index, of several extractors.

    Parameters
    ----------
    index, root
        As for `read_features`.
    extractors : list of str
        Names, or store folders' names; empty for all stores that hold as many of these clips
        as any does, by name.

    Raises
    ------
    DataError
        As `read_features`.
    """
    keyed = _keyed_clips(index, root)
    keys = {key for _, key in keyed}
    stores = find_stores(root, extractors, keys)
    if not extractors and not is_store(root):
        held = {store.folder.name: (store, len(keys & store.keys())) for store in open_all(root)}
        most = max(n for _, n in held.values())
        few = [name for name, (_, n) in held.items() if 0 < n < most]
        if few:
            logger.warning("left out, for they hold fewer of the clips: %s", ", ".join(few))
        stores = [store for _, (store, n) in sorted(held.items()) if n == most]
    return _read(keyed, stores, len(index.clips))


def read_features_of(index: Index, root: Path, specs: list[ExtractorSpec]) -> LabelledFeatures:
    """Read the features a model was trained on, for another index; errors as above."""
    keyed = _keyed_clips(index, root)
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
    return _read(keyed, stores, len(index.clips))


def _keyed_clips(index: Index, root: Path) -> list[tuple[Clip, str]]:
    memo = open_memo(root.parent if is_store(root) else root)
    keys = clip_keys(index, memo)
    labelled = [
        (clip, key)
        for clip, key in zip(index.clips, keys, strict=True)
        if isinstance(key, str) and clip.label
    ]
    if not any(clip.label for clip in index.clips):
        raise DataError(
            f"no clip of {index.path} has a label; give labels with audiotl index --labels-from"
        )
    several = next((clip for clip, _ in labelled if LABEL_SEPARATOR in clip.label), None)
    if several is not None:
        raise DataError(
            f"{several.path} has several labels ({several.label}); classifiers here tell one "
            "label a clip"
        )
    return labelled


def _read(
    keyed: list[tuple[Clip, str]], stores: list[FeatureStore], n_clips: int
) -> LabelledFeatures:
    held = set.intersection(*(store.keys() for store in stores))
    there = [(clip, key) for clip, key in keyed if key in held]
    if not there:
        raise DataError(
            f"none of the {n_clips} clips has features in {stores[0].folder}; run: audiotl extract"
        )
    if len(there) < n_clips:
        logger.warning(
            "%d of %d clips have no label or no features in %s and are left out",
            n_clips - len(there),
            n_clips,
            ", ".join(store.folder.name for store in stores),
        )
    features = [store.read(key for _, key in there) for store in stores]
    return LabelledFeatures(
        clips=[clip for clip, _ in there],
        keys=[key for _, key in there],
        frames=[[found[key].frames for found in features] for _, key in there],
        extractors=[store_spec(store) for store in stores],
        stores=stores,
    )


def store_spec(store: FeatureStore) -> ExtractorSpec:
    """Return the extractor that made a store's features, as a model card has it."""
    made = store.made_from
    return ExtractorSpec(
        name=store.extractor,
        fingerprint=store.fingerprint,
        dim=store.dim,
        layer=made.get("layer", ""),
        hop_s=made["hop"] / made["sample_rate"] if "hop" in made else 0.0,
        resampler=made.get("resampler", "soxr"),
        weights=made.get("weights", "unknown"),
        engine=made.get("details", {}).get("engine", ""),
        imported="imported" in made,
    )
