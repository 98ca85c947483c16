"""Fit and evaluate a model a round, each on clips it was not fitted on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.classify.artifact import library_versions
from audiotl_cli.classify.classifier import ClassifierOptions
from audiotl_cli.classify.labels import label_names, told_labels
from audiotl_cli.classify.rejection import POOLING
from audiotl_cli.classify.table import classifier_name
from audiotl_cli.classify.trials import Runner
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.protocols import (
    Protocol,
    Round,
    check_groups,
    leave_one_out,
    parse_protocol,
)
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.choose import choose, deal_folds, only, plan
from audiotl_cli.workflows.features import LabelledFeatures, read_features
from audiotl_cli.workflows.fit import SCORES_ALONE, Trust, fit_rows
from audiotl_cli.workflows.fitting import score_rows
from audiotl_cli.workflows.leaks import Side, find_leaks, warn_of_leaks
from audiotl_cli.workflows.learning_curve import measure_learning_curve
from audiotl_cli.workflows.open_set import measure_open_set
from audiotl_cli.workflows.report import (
    Answers,
    EvaluateReport,
    FloatMatrix,
    duplicates,
    embedding_map,
    recordings,
    warn_trained_on,
    weights_warnings,
    write_report,
)
from audiotl_cli.workflows.several_labels import write_several_report
from audiotl_cli.workflows.train import model_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extras:
    """What else to measure, beside how often predictions are right.

    Parameters
    ----------
    open_set : bool
        How well clips of labels left out of training are told from the others.
    learning_curve : bool
        How accuracy grows with the number of clips.
    """

    open_set: bool = False
    learning_curve: bool = False


PREDICTIONS_ALONE = Extras()


def cross_validate(
    index: Index,
    root: AnyPath,
    extractors: list[str],
    options: ClassifierOptions,
    protocol: str,
    *,
    n_settings: int = 0,
    trust: Trust = SCORES_ALONE,
    extras: Extras = PREDICTIONS_ALONE,
    report: Path | None = None,
    experiments: Path,
    overwrite: bool = False,
    memory: int | None = None,
    run: Runner | None = None,
    on_round: Callable[[int, int], None] = lambda done, total: None,
) -> EvaluateReport:
    """Fit and evaluate one model a round; every clip is predicted once a repeat.

    Parameters
    ----------
    index : Index
    root, extractors, options, report, experiments, overwrite, memory
        As for `train_model` and `evaluate_model`.
    protocol : str
        ``fold``: the index's folds; ``group``: leave one group out; a number of folds, dealt
        so that groups stay together; or that and how often, such as ``5x10``.
    n_settings : int
        How many settings to try in every round, among the clips it trains on; the clips held
        out have no part in the choice. 0 takes `options` as they are.
    trust : Trust
        Calibration and rejection, learnt in every round among the clips it trains on.
    extras : Extras
    run : Runner, optional
        What does the fits of a search; a thread a core unless given.
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
    poolings = None if n_settings else {options.pooling, POOLING}  # a search may try any
    data = read_features(index, root, extractors, poolings, memory=memory)
    options = replace(options, multi_label=data.multi_label)
    name = model_name(index, data.extractors, options, n_settings=n_settings, trust=trust)
    folder = report or experiments / f"{name}-cv-{protocol}"
    claim_report(folder, overwrite=overwrite)
    deals = _deals(data.clips, how, options.seed)
    _warn_groups(deals, data.clips)
    n_rounds = sum(len(rounds) for rounds in deals)
    labels = label_names(data.labels, multi_label=data.multi_label)
    repeats: list[FloatMatrix] = []
    accuracies: dict[str, float] = {}
    chosen: dict[str, dict[str, Any]] = {}
    rejected = np.zeros(len(data.clips))
    done = 0
    for number, rounds in enumerate(deals):
        matrix = np.zeros((len(data.clips), len(labels)))
        for one in rounds:
            name = one.name if how.n_repeats == 1 else f"{number + 1}.{one.name}"
            best, used = options, data
            if n_settings:

                def on_fit(fits: int, of: int, done: int = done) -> None:
                    on_round(done * of + fits, n_rounds * of)

                candidates = plan(data, one.train, n_settings, options)
                folds = deal_folds(data, one.train, options.seed)
                choice = choose(data, one.train, candidates, folds, on_progress=on_fit, run=run)
                best, chosen[name] = choice.options, choice.as_json(choice.chosen)
                used = only(data, choice.chosen.setting.parts)
            model = fit_rows(used, one.train, best, trust)
            columns = [labels.index(label) for label in model.labels]
            matrix[np.ix_(one.test, columns)] = scores = score_rows(model, used, one.test)
            if trust.reject is not None:
                rejected[one.test] += model.rejects([used.frames[i] for i in one.test], scores)
            right = [
                told_labels(matrix[i], labels, multi_label=data.multi_label) == data.labels[i]
                for i in one.test
            ]
            accuracies[name] = sum(right) / len(right)
            done += 1
            if not n_settings:
                on_round(done, n_rounds)
        repeats.append(matrix)
    n_trained_on = _count_trained_on(data, deals[0])
    warn_trained_on(n_trained_on, len(data.clips))
    about = {
        "cv": protocol,
        "classifier": options.classifier,
        "pooling": options.pooling,
        "pca": options.pca,
        "root": options.root,
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
        "trust": asdict(trust),
        "n_trained_on": n_trained_on,
        "warnings": weights_warnings(data),
        "versions": library_versions(),
    }
    part_of = {i: one.name for one in deals[0] for i in one.test}
    everything = range(len(data.clips))
    parts = [part_of[i] for i in everything]
    about["duplicates"] = duplicates(data, everything, parts, [True] * len(parts))
    sides = [Side(*one, tested=True) for one in zip(data.clips, data.keys, parts, strict=True)]
    about["leaks"] = leaks = find_leaks(sides)
    warn_of_leaks(leaks, len(data.clips))
    if extras.learning_curve:
        about["learning_curve"] = measure_learning_curve(data, deals[0], options, on_round)
    if extras.open_set and data.multi_label:
        raise UsageError("--open-set leaves out one label at a time: clips here have several")
    if extras.open_set:
        about["open_set"] = measure_open_set(data, deals[0], options, on_round)
    title = f"{name}, {_kind(how, len(deals[0]))}"
    if data.multi_label:
        mean = np.mean(repeats, axis=0)
        return write_several_report(
            title, about, data.clips, labels, mean, accuracies, folder, options.seed
        )
    answers = Answers(data.clips, labels, repeats, rejected / len(deals) if trust.reject else None)
    return write_report(
        title,
        about | embedding_map(data, everything),
        answers,
        accuracies,
        folder,
        options.seed,
        root=recordings(index, data),
    )


def _deals(clips: Sequence[Clip], how: Protocol, seed: int) -> list[list[Round]]:
    """Return the rounds of every repeat."""
    if isinstance(how.parts, str):
        return [leave_one_out([getattr(clip, how.parts) for clip in clips], how.parts)]
    deals = []
    for repeat in range(how.n_repeats):
        dealt = assign_folds(list(clips), how.parts, seed + repeat, option="--cv")
        deals.append(leave_one_out([clip.fold for clip in dealt], "fold"))
    return deals


def _warn_groups(deals: Sequence[Sequence[Round]], clips: Sequence[Clip]) -> None:
    leaks = check_groups(deals[0], [clip.group for clip in clips])
    if leaks:
        logger.warning(
            "%d groups stand on both sides of a fold, so the score is too good: %s",
            len(leaks),
            ", ".join(leaks[:5]) + (", ..." if len(leaks) > 5 else ""),
        )


def _count_trained_on(data: LabelledFeatures, rounds: Sequence[Round]) -> int:
    n_trained_on = 0
    for one in rounds:
        known = {data.keys[i] for i in one.train}
        n_trained_on += sum(data.keys[i] in known for i in one.test)
    return n_trained_on


def _kind(how: Protocol, n_rounds: int) -> str:
    if how.parts == "group":
        return "leave one group out"
    times = f", {how.n_repeats} times" if how.n_repeats > 1 else ""
    return f"{n_rounds}-fold cross-validation{times}"
