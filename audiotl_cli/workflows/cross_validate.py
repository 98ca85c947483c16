"""Fit and evaluate a model a round, each on clips it was not fitted on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from audiotl_cli.classifiers.card import library_versions
from audiotl_cli.classifiers.labels import label_names
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.evaluation import Evaluation, Source
from audiotl_cli.evaluation.measure import ScoredClips, measure
from audiotl_cli.evaluation.protocols import (
    Protocol,
    Round,
    check_groups,
    leave_one_out,
    parse_protocol,
)
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.experiments.features import LabelledFeatures, evaluated, read_features
from audiotl_cli.experiments.learning_curve import measure_learning_curve
from audiotl_cli.experiments.open_set import measure_open_set
from audiotl_cli.experiments.rounds import CrossValidation, HeldOut, OnRound, Rounds
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.leaks import Side, find_leaks, warn_of_leaks
from audiotl_cli.workflows.report import (
    EvaluateReport,
    duplicates,
    embedding_map,
    index_name,
    recordings,
    warn_trained_on,
    weights_warnings,
    write_report,
)
from audiotl_cli.workflows.train import model_name

logger = logging.getLogger(__name__)


def cross_validate(
    index: Index,
    root: AnyPath,
    options: CrossValidation,
    *,
    experiments: Path,
    report: Path | None = None,
    overwrite: bool = False,
    run: Runner | None = None,
    on_round: OnRound = lambda done, total: None,
) -> EvaluateReport:
    """Fit and evaluate one model a round; every clip is predicted once a repeat.

    Parameters
    ----------
    index : Index
    root : Path or RemotePath
        A folder of feature stores, or one store.
    options : CrossValidation
    experiments, report, overwrite
        As for `evaluate_model`.
    run : Runner, optional
        What does the fits of a search; a thread a core unless given.
    on_round : callable
        Takes how much is done, and of how much: rounds, or fits where settings are tried.

    Raises
    ------
    DataError
        The index has no folds or groups, or no features.
    UsageError
        The protocol or an option does not exist, or does not suit the clips.
    """
    how = parse_protocol(options.protocol)
    name = classifier_name(options.classifier.classifier)
    poolings = None if options.n_settings else {options.classifier.pooling, POOLING}
    data = read_features(index, root, options.extractors, poolings, memory=options.memory)
    if options.open_set and data.multi_label:
        raise UsageError(
            "--open-set leaves out one label at a time, but clips of this index have several"
        )
    kind = replace(options.classifier, classifier=name, multi_label=data.multi_label)
    options = replace(options, classifier=kind)
    trained = model_name(
        index, data.extractors, kind, n_settings=options.n_settings, reliability=options.reliability
    )
    folder = report or experiments / f"{trained}-cv-{options.protocol}"
    claim_report(folder, overwrite=overwrite)
    deals = _deals(data.clips, how, kind.seed)
    _warn_groups(deals, data.clips)
    labels = label_names(data.labels, multi_label=data.multi_label)
    held_out = Rounds(data, labels, options, run, on_round).predict(deals)
    rejected = held_out.n_rejected / len(deals) if options.reliability.reject else None
    clips = [evaluated(clip) for clip in data.clips]
    scored = ScoredClips(clips, labels, held_out.repeats, data.multi_label, rejected)
    title = f"{trained}, {_describe(how, len(deals[0]))}"
    evaluation = measure(title, scored, _source(index, data, options, deals, held_out), kind.seed)
    evaluation = _with_sections(evaluation, data, options, deals[0], on_round)
    return write_report(evaluation, folder, recordings(index, data))


def _source(
    index: Index,
    data: LabelledFeatures,
    options: CrossValidation,
    deals: Sequence[Sequence[Round]],
    held_out: HeldOut,
) -> Source:
    """Return what was cross-validated, and warn if clips were tested that were trained on."""
    n_trained_on = _count_trained_on(data, deals[0])
    warn_trained_on(n_trained_on, len(data.clips))
    kind = options.classifier
    names = ("classifier", "pooling", "pca", "sqrt", "combine", "balance", "seed")
    return Source(
        index=index_name(index),
        index_sha256=index.sha256(),
        n_trained_on=n_trained_on,
        warnings=weights_warnings(data),
        settings={
            "cv": options.protocol,
            **{name: getattr(kind, name) for name in names},
            "params": dict(kind.params),
            "extractors": [spec.to_dict() for spec in data.extractors],
            "n_settings": options.n_settings,
            "chosen": held_out.chosen,
            "reliability": asdict(options.reliability),
            "versions": library_versions(),
        },
        rounds=held_out.accuracies,
    )


def _with_sections(
    evaluation: Evaluation,
    data: LabelledFeatures,
    options: CrossValidation,
    rounds: Sequence[Round],
    on_round: OnRound,
) -> Evaluation:
    """Return the evaluation with what features and further fits show."""
    everything = range(len(data.clips))
    part_of = {i: part.name for part in rounds for i in part.test}
    parts = [part_of[i] for i in everything]
    sides = [
        Side(clip, key, part, tested=True)
        for clip, key, part in zip(data.clips, data.keys, parts, strict=True)
    ]
    leaks = find_leaks(sides)
    warn_of_leaks(leaks, len(data.clips))
    curve, open_set = None, None
    if options.learning_curve:
        curve = measure_learning_curve(data, rounds, options.classifier, on_round)
    if options.open_set:
        open_set = measure_open_set(data, rounds, options.classifier, on_round)
    return replace(
        evaluation,
        leaks=leaks,
        duplicates=duplicates(data, everything, parts, [True] * len(parts)),
        embedding_map=embedding_map(data, everything),
        learning_curve=curve,
        open_set=open_set,
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
    for part in rounds:
        known = {data.keys[i] for i in part.train}
        n_trained_on += sum(data.keys[i] in known for i in part.test)
    return n_trained_on


def _describe(how: Protocol, n_rounds: int) -> str:
    if how.parts == "group":
        return "leave one group out"
    times = f", {how.n_repeats} times" if how.n_repeats > 1 else ""
    return f"{n_rounds}-fold cross-validation{times}"
