"""Suggest which clips of an index to label next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.labels import split_labels
from audiotl_cli.classify.likeness import POOLING, Likeness
from audiotl_cli.classify.options import ClassifierOptions
from audiotl_cli.classify.pooling import FloatArray
from audiotl_cli.classify.registry import classifier_name
from audiotl_cli.classify.suggest import MOST, Scores, doubt, suggest
from audiotl_cli.dataset.index import Clip, Index, clip_labels
from audiotl_cli.dataset.relabel import Place, place_of
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.workflows.features import LabelledFeatures, read_features, store_spec
from audiotl_cli.workflows.fitting import fit_alone, pool_rows, score_rows
from audiotl_cli.workflows.project import clip_keys, find_stores, is_store, open_memo
from audiotl_cli.workflows.stored import StoredFrames
from audiotl_cli.workflows.train import TRAIN


@dataclass(frozen=True)
class Suggestion:
    """A clip to label.

    Parameters
    ----------
    clip : Clip
    source : AudioSource
        Where its samples are.
    scores : dict
        What the classifier says, the highest first; empty while there is none.
    """

    clip: Clip
    source: AudioSource
    scores: dict[str, float]


@dataclass(frozen=True)
class Round:
    """What to label next, and how far the labelling is.

    Parameters
    ----------
    suggestions : list of Suggestion
        The most telling first.
    n_labelled, n_open : int
        Clips with a label, and those without that could be suggested.
    n_unknown : int
        Clips without a label that have no features either.
    stores : list of FeatureStore
    """

    suggestions: list[Suggestion]
    n_labelled: int
    n_open: int
    n_unknown: int
    stores: list[FeatureStore]


def suggest_clips(
    index: Index,
    root: AnyPath,
    extractors: list[str],
    options: ClassifierOptions,
    n: int,
    *,
    split: str = TRAIN,
    without: Collection[Place] = (),
) -> Round:
    """Suggest clips to label.

    A classifier is fitted on the labelled clips of the training split, and the clips are chosen
    that would tell most about those it is in doubt of, of one group one at most. Without two
    labels to tell apart, the clips are chosen that stand best for all. To label a split that is
    tested on, clips are drawn at random: any choice would make the test harder or easier than
    the recordings are.

    Parameters
    ----------
    index : Index
    root : Path or RemotePath
        A folder of stores, or one store.
    extractors : list of str
        See `find_stores`.
    options : ClassifierOptions
    n : int
        How many.
    split : str
        Which to suggest clips of; all clips, where the index has no splits.
    without : collection of Place
        Clips not to suggest.

    Raises
    ------
    DataError
        There are no features.
    UsageError
        Options that do not fit the classifier or the data.
    """
    memo = open_memo(root.parent if is_store(root) else root)
    keys = [key if isinstance(key, str) else "" for key in clip_keys(index, memo)]
    stores = find_stores(root, extractors, set(keys))
    held = set.intersection(*(store.keys() for store in stores))
    has_splits = any(clip.split for clip in index.clips)
    labelled = [
        clip
        for clip, key in zip(index.clips, keys, strict=True)
        if clip_labels(clip) and key in held and (clip.split == TRAIN or not has_splits)
    ]
    open_ = [
        (clip, key)
        for clip, key in zip(index.clips, keys, strict=True)
        if not clip_labels(clip)
        and (clip.split == split or not has_splits)
        and place_of(clip) not in without
    ]
    there = [(clip, key) for clip, key in open_ if key in held]
    clips, frames = [clip for clip, _ in there], StoredFrames(stores, [key for _, key in there])
    specs = [store_spec(store) for store in stores]
    data = LabelledFeatures(clips, list(frames.keys), frames, specs, stores)
    names = [store.folder.name for store in stores]
    known, classifier = _fit(replace(index, clips=labelled), root, names, options)
    scores = score_rows(classifier, data, range(len(clips))) if classifier and clips else None
    if has_splits and split != TRAIN:
        chosen = _mixed(data, options)[:n]
    else:
        several = classifier is not None and classifier.multi_label
        doubts = None if scores is None else doubt(scores, multi_label=several)
        chosen = _choose(data, doubts, known, options, n)
    suggestions = [
        Suggestion(clips[i], index.source(clips[i]), _ranked(classifier, scores, i)) for i in chosen
    ]
    n_labelled = sum(bool(clip_labels(clip)) for clip in index.clips)
    return Round(suggestions, n_labelled, len(there), len(open_) - len(there), stores)


def _fit(
    index: Index, root: AnyPath, extractors: list[str], options: ClassifierOptions
) -> tuple[FloatArray | None, ClipClassifier | None]:
    """Return the vectors of the labelled clips, and a classifier where there are two labels."""
    if not index.clips:
        return None, None
    data = read_features(index, root, extractors, {options.pooling, POOLING})
    rows = range(len(data.clips))
    vectors = pool_rows(data, rows, POOLING)
    if len({one for label in data.labels for one in split_labels(label)}) < 2:
        return vectors, None
    options = replace(
        options, classifier=classifier_name(options.classifier), multi_label=data.multi_label
    )
    return vectors, fit_alone(data, rows, options)


def _mixed(data: LabelledFeatures, options: ClassifierOptions) -> list[int]:
    order = np.random.default_rng(options.seed).permutation(len(data.clips))
    return [int(i) for i in order]


def _choose(
    data: LabelledFeatures,
    doubts: Scores | None,
    known: FloatArray | None,
    options: ClassifierOptions,
    n: int,
) -> list[int]:
    """Return the clips to suggest; `known` are vectors of those with a label."""
    if not data.clips:
        return []
    if doubts is None:
        doubts, order = np.ones(len(data.clips)), _mixed(data, options)
    else:
        order = [int(i) for i in np.argsort(-doubts, kind="stable")]
    rows = sorted(order[:MOST])
    vectors = pool_rows(data, rows, POOLING)
    if known is None:
        known = np.empty((0, vectors.shape[1]), np.float32)
    likeness = Likeness.measure(np.concatenate([known, vectors]))
    groups = [data.clips[i].group or None for i in rows]
    units = likeness.units(vectors)
    return [rows[i] for i in suggest(units, doubts[rows], likeness.units(known), groups, n)]


def _ranked(classifier: ClipClassifier | None, scores: Scores | None, row: int) -> dict[str, float]:
    if classifier is None or scores is None:
        return {}
    order = np.argsort(-scores[row], kind="stable")
    return {classifier.labels[i]: float(scores[row, i]) for i in order}
