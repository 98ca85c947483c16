"""Fit a classifier on stored features and save it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.classifiers.unfitted import check_options
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.features import (
    LabelledFeatures,
    is_multi_label,
    of_extractors,
    read_features,
)
from audiotl_cli.experiments.model_names import model_name
from audiotl_cli.experiments.saving import fit_and_save
from audiotl_cli.experiments.search import OnProgress, choose, deal_folds, plan
from audiotl_cli.experiments.splits import TRAIN, rows_to_train_on
from audiotl_cli.experiments.training import SCORES_ALONE, Reliability
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.written import claim


@dataclass(frozen=True)
class TrainOptions:
    """What to train, on what, and where to save it.

    Parameters
    ----------
    classifier : ClassifierOptions
        Where settings are tried, the first of them.
    extractors : sequence of str
        Whose features to use, put side by side; empty for the store used last. `tune_model`
        tries each alone and every two; empty for all that are there for these clips.
    store : Path, RemotePath or None
        A folder of feature stores, or one store; None for the project's stores.
    n_settings : int
        How many settings of classifier, pooling and parameters to try on the clips to train
        on, with each, every two and all of the extractors; the one picked is fitted. 0 takes
        `classifier` as it is.
    reliability : Reliability
        Calibration and rejection.
    split : str
        Which clips to train on. Where the index has no splits at all, every clip is.
    out : Path or None
        The model's file; None names it by what it is made of, in the project.
    overwrite : bool
        Whether a file of that name that somebody else made may be lost.
    memory : int or None
        Bytes that frames that vote, and what is made of them, may take; None is half of this
        machine's. More are left in the stores, and the classifier is fitted block by block.
    """

    classifier: ClassifierOptions = field(default_factory=ClassifierOptions)
    extractors: Sequence[str] = ()
    store: AnyPath | None = None
    n_settings: int = 0
    reliability: Reliability = SCORES_ALONE
    split: str = TRAIN
    out: Path | None = None
    overwrite: bool = False
    memory: int | None = None

    def check(self, *, multi_label: bool = False) -> None:
        """Refuse what cannot be done whatever the features are, before any is read.

        Raises
        ------
        UsageError
            Options that do not exist or do not go together, or the model cannot be written.
        """
        check_options(replace(self.classifier, multi_label=multi_label))
        self.reliability.check(multi_label=multi_label)
        claim([self.out] if self.out else [], overwrite=self.overwrite)

    def of(self, data: LabelledFeatures) -> ClassifierOptions:
        """Return the classifier, by its proper name, for some features."""
        name = classifier_name(self.classifier.classifier)
        return replace(self.classifier, classifier=name, multi_label=data.multi_label)


@dataclass(frozen=True)
class TrainReport:
    """A saved model.

    Parameters
    ----------
    path : Path
    card : ModelCard
    stores : list of FeatureStore
    """

    path: Path
    card: ModelCard
    stores: list[FeatureStore]


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
    path = model_path(project, index, data, options)
    choice = None
    if options.n_settings:
        candidates = plan(data, rows, options.n_settings, classifier)
        folds = deal_folds(data, rows, classifier.seed)
        choice = choose(data, rows, candidates, folds, on_progress=on_fit, run=run)
        classifier, data = choice.options, of_extractors(data, choice.chosen.setting.parts)
    card = fit_and_save(
        path, index, data, rows, classifier,
        split=options.split, reliability=options.reliability, choice=choice,
    )  # fmt: skip
    return TrainReport(path, card, data.stores)


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
    path = options.out or project.models_dir / f"{name}.joblib"
    claim([path], overwrite=options.overwrite)
    return path
