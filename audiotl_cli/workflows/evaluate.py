"""Measure how good a saved model is, on clips it has not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.measure import measure
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.experiments.features import read_features_of
from audiotl_cli.experiments.leaderboard import note_scores
from audiotl_cli.experiments.leaks import (
    find_leaks,
    sides_of_model,
    warn_of_leaks,
    warn_trained_on,
)
from audiotl_cli.experiments.model_names import evaluation_name
from audiotl_cli.experiments.saved_model import (
    baseline_of_model,
    check_labels,
    describe_source,
    duplicates_of_training,
    score_clips,
)
from audiotl_cli.experiments.sections import POOLING, embedding_map, index_name, recordings
from audiotl_cli.experiments.splits import TEST, rows_to_test_on
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.report import EvaluateReport, write_report


@dataclass(frozen=True)
class EvaluateOptions:
    """On what to evaluate, and where to write the report.

    Parameters
    ----------
    store : Path, RemotePath or None
        A folder of feature stores, or one store; None for the project's stores.
    split : str
    report : Path or None
        Folder for the report; None names one in the project.
    overwrite : bool
        Whether files in that folder that somebody else made may be lost.
    seed : int
        Of the bootstrap.
    positive : str or None
        Which of two labels is to be found; None chooses one, see `choose_positive`.
    """

    store: AnyPath | None = None
    split: str = TEST
    report: Path | None = None
    overwrite: bool = False
    seed: int = 0
    positive: str | None = None


def evaluate_model(
    project: Project, index: Index, model: Path, options: EvaluateOptions = EvaluateOptions()
) -> EvaluateReport:
    """Evaluate a saved model on one split of an index.

    Parameters
    ----------
    project : Project
    index : Index
    model : Path
    options : EvaluateOptions

    Raises
    ------
    DataError
        No clips, or no features, to evaluate on.
    ArtifactError
        The model cannot be loaded.
    UsageError
        The report cannot be written.
    """
    split, seed = options.split, options.seed
    classifier, card = load_model_file(model)
    name = evaluation_name(model, card, index, split, seed)
    folder = options.report or project.experiments_dir / name
    claim_report(folder, overwrite=options.overwrite)
    data = read_features_of(project, index, options.store, card.extractors, {card.pooling, POOLING})
    if data.multi_label and not card.multi_label:
        raise DataError(
            f"{index.path} has clips with several labels; {model} was trained on one label a clip: "
            "train it again on such an index"
        )
    rows = rows_to_test_on(data, split, index)
    check_labels(model, card, index, [data.labels[i] for i in rows])
    source = describe_source(model, card, index, split, data, rows)
    warn_trained_on(source.n_trained_on, len(rows))
    leaks = find_leaks(project, sides_of_model(project, card, data.clips, data.keys, rows))
    warn_of_leaks(leaks, len(rows))
    title = f"{model.stem} on {split} of {index_name(index) or 'the index'}"
    scored = score_clips(classifier, data, rows)
    root = options.store or project.features_dir
    baseline = baseline_of_model(root, data, card, rows)
    scored = replace(scored, baseline=baseline, positive=options.positive)
    evaluation = replace(
        measure(title, scored, source, seed),
        leaks=leaks,
        duplicates=duplicates_of_training(data, card, split),
        embedding_map=embedding_map(data, rows),
    )
    note_scores(project, model, evaluation)
    return write_report(evaluation, folder, recordings(index, data))
