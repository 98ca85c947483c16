"""Fit a model of events on the frames of clips and of background, and save it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from audiotl_cli.classifiers.card import ModelCard, clip_mark, library_versions
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.classifiers.frame_training import RECIPE, FrameOptions
from audiotl_cli.classifiers.model_file import dump_model
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import UsageError
from audiotl_cli.experiments.audible import check_audible
from audiotl_cli.experiments.background import find_background
from audiotl_cli.experiments.event_rows import gather_rows
from audiotl_cli.experiments.event_training import (
    FrameScore,
    event_hop_s,
    event_settings,
    fit_events,
)
from audiotl_cli.experiments.features import LabelledFeatures, read_features
from audiotl_cli.experiments.model_names import events_name
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.experiments.predecessor import choose_path, warn_of_lost_labels
from audiotl_cli.experiments.saving import held_out_scores, write_card
from audiotl_cli.experiments.splits import rows_to_train_on
from audiotl_cli.experiments.suspected_groups import suspected_groups
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.inference.same_extractor import extractor_of_store
from audiotl_cli.processors import n_processors
from audiotl_cli.project import Project
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.written import claim, write_output

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventTraining:
    """What a model of events is trained on.

    Parameters
    ----------
    options : TrainOptions
        Of these, `extractors` (one), `store`, `split`, `out`, `overwrite`, `memory` and the seed.
    background : str or None
        A label, or a folder of recordings; see `find_background`.
    workers : int or None
        Threads; None is one a core.
    """

    options: TrainOptions
    background: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class EventTrainReport:
    """A saved model of events.

    Parameters
    ----------
    path : Path
    card : ModelCard
    stores : list of FeatureStore
    settings : EventSettings
    score : FrameScore or None
        On frames held out.
    failures : list of str
        Recordings that could not be read, and why.
    """

    path: Path
    card: ModelCard
    stores: list[FeatureStore]
    settings: EventSettings
    score: FrameScore | None
    failures: list[str]


def train_events(
    project: Project,
    index: Index,
    training: EventTraining,
    *,
    on_clip: Callable[[int, int], None] = lambda done, total: None,
) -> EventTrainReport:
    """Fit a model of events on one split of an index and save it.

    Raises
    ------
    DataError
        Nothing to train on, or the recordings cannot be read.
    UsageError
        Options that do not fit the data, or the file is somebody else's.
    """
    options = training.options
    options.check()
    data = read_features(
        project, index, options.store, options.extractors, {"vote"}, memory=options.memory
    )
    if len(data.stores) > 1:
        raise UsageError("--for events takes the features of one extractor")
    rows = rows_to_train_on(data, options.split)
    check_audible(project, data, rows)
    warn_of_lost_labels(project, index, [data.labels[i] for i in rows])
    name = events_name(index, data.extractors[0], options.classifier.seed, options.split)
    usual = project.models_dir / f"{name}.joblib"
    path = choose_path(options.out, usual, data, overwrite=options.overwrite)
    claim([path], overwrite=options.overwrite)
    background = find_background(training.background, data, rows, index)
    extractor = extractor_of_store(data.stores[0], typed=options.extractors)
    found = gather_rows(
        data, rows, index, background, extractor,
        seed=options.classifier.seed, workers=training.workers or n_processors(), on_clip=on_clip,
    )  # fmt: skip
    classifier, fitted, score = fit_events(data, found, options.classifier.seed)
    closer = load_extractor(replace(extractor.config, hop_s=event_hop_s(extractor)))
    settings = event_settings(
        closer, "" if data.multi_label else background.label, background.origin, found
    )
    classifier = replace(classifier, events=settings)
    card = _card(index, data, rows, classifier, fitted, options)
    write_output(path, dump_model(classifier, card))
    write_card(card, path)
    return EventTrainReport(path, card, data.stores, settings, score, found.failures)


def _card(
    index: Index,
    data: LabelledFeatures,
    rows: list[int],
    classifier: ClipClassifier,
    fitted: FrameOptions,
    options: TrainOptions,
) -> ModelCard:
    assert classifier.events is not None
    components = classifier.pipeline.steps[-1].n_outputs
    return ModelCard(
        classifier=RECIPE,
        pooling=classifier.pooling,
        params=fitted.params,
        scale=True,
        sqrt=fitted.sqrt,
        pca=components,
        seed=options.classifier.seed,
        labels=classifier.labels,
        extractors=data.extractors,
        index=index.path.name if index.path else "",
        index_sha256=index.sha256(),
        split=options.split if any(clip.split for clip in data.clips) else "all",
        n_clips=len(rows),
        versions=library_versions(),
        multi_label=data.multi_label,
        suspected_groups=suspected_groups(data, classifier.pooling),
        trained_on=sorted({clip_mark(data.keys[i]) for i in rows}),
        events=asdict(classifier.events),
        **held_out_scores(classifier, data, rows, options.of(data), options.split),
    )
