"""Suggest which clips of an index to label next."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import FloatArray, Pooled
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.unfitted import check_options
from audiotl_cli.dataset.index import Clip, Index, clip_labels
from audiotl_cli.dataset.relabel import Place, place_of
from audiotl_cli.experiments.features import LabelledFeatures, pool_clips, pool_rows, read_clips
from audiotl_cli.experiments.splits import TRAIN
from audiotl_cli.experiments.training import fit_alone, score_rows
from audiotl_cli.labels import split_labels
from audiotl_cli.project import Project
from audiotl_cli.review.selection import MOST, Scores, doubt, suggest
from audiotl_cli.review.similarity import POOLING, SimilarityScale
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import find_stores
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import clip_keys, store_spec

OnStep = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much; 0 and 0 where that is
not known."""


@dataclass(frozen=True)
class Suggestion:
    """A clip to label.

    Parameters
    ----------
    clip : Clip
    source : AudioSource
        Where its samples are.
    scores : dict
        The classifier's score of every label, the highest first; empty while there is no
        classifier.
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
        The most informative first.
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


@dataclass(frozen=True)
class SuggestOptions:
    """How clips to label are chosen, and among which.

    Parameters
    ----------
    classifier : ClassifierOptions
    extractors : sequence of str
        See `find_stores`.
    store : Path, RemotePath or None
        A folder of stores, or one store; None for the project's stores.
    split : str
        Which to suggest clips of; all clips, where the index has no splits.
    """

    classifier: ClassifierOptions = field(default_factory=ClassifierOptions)
    extractors: Sequence[str] = ()
    store: AnyPath | None = None
    split: str = TRAIN


class Suggester:
    """Suggests clips to label, and keeps the features of all clips from one round to the next.

    Parameters
    ----------
    project : Project
    options : SuggestOptions

    Raises
    ------
    UsageError
        The classifier or one of its options does not exist.
    """

    def __init__(self, project: Project, options: SuggestOptions) -> None:
        check_options(options.classifier)
        self._root = options.store or project.features_dir
        self._extractors = options.extractors
        self._options = options.classifier
        self._split = options.split
        self._on_step: OnStep = _say_nothing
        self._memo = project.open_memo(options.store)
        self._pooled: dict[AnyPath, dict[str, Pooled]] = {}

    def suggest(
        self,
        index: Index,
        n: int,
        without: Collection[Place] = (),
        *,
        on_step: OnStep | None = None,
    ) -> Round:
        """Suggest clips to label.

        A classifier is trained on the labelled clips of the training split, and the clips are
        chosen whose labels would be most informative about those it is in doubt of, at most one of
        a group. Without two labels, the clips are chosen that represent all others best. To
        label a split that is tested on, clips are drawn at random: any choice would make the test
        harder or easier than the recordings are.

        Parameters
        ----------
        index : Index
        n : int
            How many.
        without : collection of Place
            Clips not to suggest.
        on_step : callable, optional

        Raises
        ------
        DataError
            There are no features.
        UsageError
            Options that do not fit the classifier or the data.
        """
        self._on_step = on_step or _say_nothing
        self._on_step(f"Looking for the features of {len(index.clips)} clips", 0, 0)
        keys = [key if isinstance(key, str) else "" for key in clip_keys(index, self._memo)]
        keyed = list(zip(index.clips, keys, strict=True))
        stores = find_stores(self._root, self._extractors, set(keys))
        held = set.intersection(*(store.keys() for store in stores))
        has_splits = any(clip.split for clip in index.clips)
        labelled = [
            (clip, key)
            for clip, key in keyed
            if clip_labels(clip) and key in held and (clip.split == TRAIN or not has_splits)
        ]
        unlabelled = [
            (clip, key)
            for clip, key in keyed
            if not clip_labels(clip)
            and (clip.split == self._split or not has_splits)
            and place_of(clip) not in without
        ]
        candidates = [(clip, key) for clip, key in unlabelled if key in held]
        suggestions = self._suggest(index, labelled, candidates, stores, n) if candidates else []
        n_labelled = sum(bool(clip_labels(clip)) for clip in index.clips)
        n_unknown = len(unlabelled) - len(candidates)
        return Round(suggestions, n_labelled, len(candidates), n_unknown, stores)

    def _suggest(
        self,
        index: Index,
        labelled: list[tuple[Clip, str]],
        candidates: list[tuple[Clip, str]],
        stores: list[FeatureStore],
        n: int,
    ) -> list[Suggestion]:
        data = self._read(candidates, stores)
        known, classifier = self._train(labelled, stores)
        self._on_step(f"Choosing among {len(candidates)} clips without a label", 0, 0)
        rows = range(len(data.clips))
        scores = None if classifier is None else score_rows(classifier, data, rows)
        if self._split != TRAIN and any(clip.split for clip in index.clips):
            chosen = self._in_random_order(data)[:n]
        else:
            multi_label = classifier is not None and classifier.multi_label
            doubts = None if scores is None else doubt(scores, multi_label=multi_label)
            chosen = self._choose(data, doubts, known, n)
        return [
            Suggestion(data.clips[i], index.source(data.clips[i]), _ranked(classifier, scores, i))
            for i in chosen
        ]

    def _read(self, keyed: list[tuple[Clip, str]], stores: list[FeatureStore]) -> LabelledFeatures:
        """Return the features of clips, pooled; frames as they are only where they vote."""
        poolings = {self._options.pooling, POOLING}
        keys = [key for _, key in keyed]
        if "vote" in poolings:
            self._on_step(f"Reading the features of {len(keyed)} clips", 0, 0)
            return read_clips(keyed, stores, poolings)
        for store in stores:
            pooled = self._pooled.setdefault(store.folder, {})
            missing = [key for key in dict.fromkeys(keys) if key not in pooled]
            if missing:
                pooled |= pool_clips(store, missing, poolings, self._count(len(missing)))
        frames = [[self._pooled[store.folder][key] for store in stores] for key in keys]
        specs = [store_spec(store) for store in stores]
        return LabelledFeatures([clip for clip, _ in keyed], keys, frames, specs, stores)

    def _count(self, total: int) -> Callable[[int], None]:
        step = f"Reading the features of {total} clips"
        self._on_step(step, 0, total)
        return lambda done: self._on_step(step, done, total)

    def _train(
        self, labelled: list[tuple[Clip, str]], stores: list[FeatureStore]
    ) -> tuple[FloatArray | None, ClipClassifier | None]:
        """Return the vectors of the labelled clips, and a classifier where there are two labels."""
        if not labelled:
            return None, None
        data = self._read(labelled, stores)
        rows = range(len(data.clips))
        vectors = pool_rows(data, rows, POOLING)
        labels = {name for label in data.labels for name in split_labels(label)}
        if len(labels) < 2:
            return vectors, None
        self._on_step(f"Training on {len(rows)} clips of {len(labels)} labels", 0, 0)
        options = replace(
            self._options,
            classifier=classifier_name(self._options.classifier),
            multi_label=data.multi_label,
        )
        return vectors, fit_alone(data, rows, options)

    def _in_random_order(self, data: LabelledFeatures) -> list[int]:
        order = np.random.default_rng(self._options.seed).permutation(len(data.clips))
        return [int(i) for i in order]

    def _choose(
        self,
        data: LabelledFeatures,
        doubts: Scores | None,
        known: FloatArray | None,
        n: int,
    ) -> list[int]:
        """Return the clips to suggest; `known` are vectors of those with a label."""
        if doubts is None:
            doubts, order = np.ones(len(data.clips)), self._in_random_order(data)
        else:
            order = [int(i) for i in np.argsort(-doubts, kind="stable")]
        rows = sorted(order[:MOST])
        vectors = pool_rows(data, rows, POOLING)
        if known is None:
            known = np.empty((0, vectors.shape[1]), np.float32)
        scale = SimilarityScale.measure(np.concatenate([known, vectors]))
        groups = [data.clips[i].group or None for i in rows]
        units = scale.units(vectors)
        chosen = suggest(units, doubts[rows], scale.units(known), groups, n)
        return [rows[i] for i in chosen]


def _say_nothing(step: str, done: int, total: int) -> None:
    pass


def _ranked(classifier: ClipClassifier | None, scores: Scores | None, row: int) -> dict[str, float]:
    if classifier is None or scores is None:
        return {}
    order = np.argsort(-scores[row], kind="stable")
    return {classifier.labels[i]: float(scores[row, i]) for i in order}
