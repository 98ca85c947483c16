"""Fit and evaluate a model a round, each on clips it was not fitted on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.classify.artifact import library_versions
from audiotl_cli.classify.classifier import ClassifierOptions
from audiotl_cli.classify.labels import label_names, told_labels
from audiotl_cli.classify.search import settings
from audiotl_cli.classify.table import classifier_name
from audiotl_cli.dataset.build import assign_folds
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.evaluation.protocols import Round, check_groups, leave_one_out, parse_protocol
from audiotl_cli.workflows.choose import choose
from audiotl_cli.workflows.features import LabelledFeatures, read_features
from audiotl_cli.workflows.fitting import fit_rows, score_rows
from audiotl_cli.workflows.report import (
    EvaluateReport,
    FloatMatrix,
    warn_trained_on,
    weights_warnings,
    write_report,
)
from audiotl_cli.workflows.several_labels import write_several_report
from audiotl_cli.workflows.train import model_name

logger = logging.getLogger(__name__)


def cross_validate(
    index: Index,
    root: Path,
    extractors: list[str],
    options: ClassifierOptions,
    protocol: str,
    *,
    n_settings: int = 0,
    report: Path | None = None,
    experiments: Path,
    on_round: Callable[[int, int], None] = lambda done, total: None,
) -> EvaluateReport:
    """Fit and evaluate one model a round; every clip is predicted once.

    Parameters
    ----------
    index : Index
    root, extractors, options, report, experiments
        As for `train_model` and `evaluate_model`.
    protocol : str
        ``fold``: the index's folds; ``group``: leave one group out; or a number of folds,
        dealt so that groups stay together.
    n_settings : int
        How many settings to try in every round, among the clips it trains on; the clips held
        out have no part in the choice. 0 takes `options` as they are.
    on_round : callable
        Told how much is done, and of how much: rounds, or fits where settings are tried.

    Raises
    ------
    DataError
        The index has no folds or groups, or no features.
    UsageError
        The protocol or an option does not exist.
    """
    options = replace(options, classifier=classifier_name(options.classifier))
    how = parse_protocol(protocol)
    candidates = settings(n_settings, options) if n_settings else [options]
    data = read_features(index, root, extractors, {"mean+std", *(c.pooling for c in candidates)})
    options = replace(options, multi_label=data.multi_label)
    rounds = _rounds(data.clips, how, options.seed)
    leaks = check_groups(rounds, [clip.group for clip in data.clips])
    if leaks:
        logger.warning(
            "%d groups stand on both sides of a fold, so the score is too good: %s",
            len(leaks),
            ", ".join(leaks[:5]) + (", ..." if len(leaks) > 5 else ""),
        )
    labels = label_names(data.labels, multi_label=data.multi_label)
    matrix = np.zeros((len(data.clips), len(labels)))
    accuracies: dict[str, float] = {}
    n_trained_on = 0
    chosen: dict[str, dict[str, Any]] = {}
    for done, one in enumerate(rounds):
        best = options
        if n_settings:

            def on_fit(fits: int, of: int, done: int = done) -> None:
                on_round(done * of + fits, len(rounds) * of)

            winner = choose(data, one.train, n_settings, options, on_fit)[0]
            best, chosen[one.name] = winner.options, winner.as_json()
        columns, scores = _fit_round(data, one, best, labels)
        matrix[np.ix_(one.test, columns)] = scores
        right = [
            told_labels(matrix[i], labels, multi_label=data.multi_label) == data.labels[i]
            for i in one.test
        ]
        accuracies[one.name] = sum(right) / len(right)
        known = {data.keys[i] for i in one.train}
        n_trained_on += sum(data.keys[i] in known for i in one.test)
        if not n_settings:
            on_round(done + 1, len(rounds))
    warn_trained_on(n_trained_on, len(data.clips))
    about = {
        "cv": protocol,
        "classifier": options.classifier,
        "pooling": options.pooling,
        "pca": options.pca,
        "params": dict(options.params),
        "extractors": [asdict(spec) for spec in data.extractors],
        "index": index.path.name if index.path else "",
        "index_sha256": index.sha256(),
        "combine": options.combine,
        "balance": options.balance,
        "seed": options.seed,
        "rounds": accuracies,
        "n_settings": n_settings,
        "chosen": chosen,
        "n_trained_on": n_trained_on,
        "warnings": weights_warnings(data),
        "versions": library_versions(),
    }
    name = model_name(index, data.extractors, options, n_settings=n_settings)
    kind = f"{len(rounds)}-fold cross-validation" if how != "group" else "leave one group out"
    title = f"{name}, {kind}"
    folder = report or experiments / f"{name}-cv-{protocol}"
    write = write_several_report if data.multi_label else write_report
    return write(title, about, data.clips, labels, matrix, accuracies, folder, options.seed)


def _rounds(clips: Sequence[Clip], how: str | int, seed: int) -> list[Round]:
    if isinstance(how, int):
        dealt = assign_folds(list(clips), how, seed, option="--cv")
        return leave_one_out([clip.fold for clip in dealt], "fold")
    return leave_one_out([getattr(clip, how) for clip in clips], how)


def _fit_round(
    data: LabelledFeatures, one: Round, options: ClassifierOptions, labels: list[str]
) -> tuple[list[int], FloatMatrix]:
    classifier = fit_rows(data, one.train, options)
    columns = [labels.index(label) for label in classifier.labels]
    return columns, score_rows(classifier, data, one.test)
