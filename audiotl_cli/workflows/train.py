"""Fit a classifier on stored features and save it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.alternative import better_default
from audiotl_cli.experiments.audible import check_audible
from audiotl_cli.experiments.balance import decide_balance
from audiotl_cli.experiments.features import (
    LabelledFeatures,
    is_multi_label,
    of_extractors,
    read_features,
)
from audiotl_cli.experiments.model_names import model_name
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.experiments.predecessor import choose_path, warn_of_lost_labels
from audiotl_cli.experiments.saving import fit_and_save
from audiotl_cli.experiments.search import OnProgress, choose, deal_folds, plan
from audiotl_cli.experiments.splits import rows_to_train_on
from audiotl_cli.project import Project
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.written import claim


@dataclass(frozen=True)
class TrainReport:
    """A saved model.

    Parameters
    ----------
    path : Path
    card : ModelCard
    stores : list of FeatureStore
    advice : str
        That the default classifier would do better; else empty.
    """

    path: Path
    card: ModelCard
    stores: list[FeatureStore]
    advice: str = ""


def train_model(
    project: Project,
    index: Index,
    options: TrainOptions,
    *,
    run: Runner | None = None,
    on_fit: OnProgress = lambda done, total: None,
) -> TrainReport:
    """Fit a classifier on one split of an index and save it.

    Parameters
    ----------
    project : Project
    index : Index
    options : TrainOptions
    run : Runner, optional
        What does the fits of a search; a thread a core unless given.
    on_fit : callable

    Raises
    ------
    DataError
        Nothing to train on.
    UsageError
        Options that do not fit the classifier or the data, or the file is somebody else's.
    """
    options.check(multi_label=is_multi_label(index))
    # a search may try any pooling
    poolings = None if options.n_settings else {options.classifier.pooling, POOLING}
    data = read_features(
        project, index, options.store, options.extractors, poolings, memory=options.memory
    )
    rows, classifier = rows_to_train_on(data, options.split), options.of(data)
    check_audible(project, data, rows)
    warn_of_lost_labels(project, index, [data.labels[i] for i in rows])
    path = model_path(project, index, data, options)
    choice = None
    if options.n_settings:
        decided = decide_balance(data, rows, classifier, run)
        candidates = plan(data, rows, options.n_settings, decided.options)
        folds = deal_folds(data, rows, classifier.seed)
        choice = choose(data, rows, candidates, folds, on_progress=on_fit, run=run)
        choice = replace(choice, balancing=decided.to_dict())
        classifier, data = choice.options, of_extractors(data, choice.chosen.setting.parts)
    card = fit_and_save(
        path, index, data, rows, classifier,
        split=options.split, reliability=options.reliability, choice=choice,
    )  # fmt: skip
    fitted = replace(classifier, balance=card.balance)
    advice = "" if options.n_settings else better_default(data, rows, fitted)
    return TrainReport(path, card, data.stores, advice)


def model_path(
    project: Project,
    index: Index,
    data: LabelledFeatures,
    options: TrainOptions,
    how: str = "search",
) -> Path:
    """Return the file of a model, which may be written; see `model_name`."""
    name = model_name(
        index, data.extractors, options.of(data),
        n_settings=options.n_settings, reliability=options.reliability, split=options.split,
        how=how,
    )  # fmt: skip
    path = choose_path(
        options.out, project.models_dir / f"{name}.joblib", data, overwrite=options.overwrite
    )
    claim([path], overwrite=options.overwrite)
    return path
