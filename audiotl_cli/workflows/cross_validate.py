"""Fit and evaluate a model a round, each on clips it was not fitted on."""

from __future__ import annotations

from dataclasses import replace

from audiotl_cli.classifiers.labels import label_names
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.dataset.index import Index
from audiotl_cli.evaluation.binary import choose_positive
from audiotl_cli.evaluation.measure import ScoredClips, measure
from audiotl_cli.evaluation.protocols import parse_protocol
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.experiments.audible import check_audible
from audiotl_cli.experiments.cross_validation import (
    add_sections,
    baseline_of_rounds,
    deal_rounds,
    describe_protocol,
    describe_source,
    warn_of_split_groups,
)
from audiotl_cli.experiments.features import evaluated, is_multi_label, read_features
from audiotl_cli.experiments.model_names import model_name
from audiotl_cli.experiments.rounds import CrossValidation, OnRound, Rounds
from audiotl_cli.experiments.sections import recordings
from audiotl_cli.project import Project
from audiotl_cli.workflows.report import EvaluateReport, write_report


def cross_validate(
    project: Project,
    index: Index,
    options: CrossValidation,
    *,
    run: Runner | None = None,
    on_round: OnRound = lambda done, total: None,
) -> EvaluateReport:
    """Fit and evaluate one model a round; every clip is predicted once a repeat.

    Parameters
    ----------
    project : Project
    index : Index
    options : CrossValidation
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
    options.check(multi_label=is_multi_label(index))
    protocol = parse_protocol(options.protocol)
    name = classifier_name(options.classifier.classifier)
    poolings = None if options.n_settings else {options.classifier.pooling, POOLING}
    data = read_features(
        project, index, options.store, options.extractors, poolings, memory=options.memory
    )
    check_audible(project, data, range(len(data.clips)))
    classifier = replace(options.classifier, classifier=name, multi_label=data.multi_label)
    options = replace(options, classifier=classifier)
    trained = model_name(
        index, data.extractors, classifier,
        n_settings=options.n_settings, reliability=options.reliability,
    )  # fmt: skip
    folder = options.report or project.experiments_dir / f"{trained}-cv-{options.protocol}"
    claim_report(folder, overwrite=options.overwrite)
    deals = deal_rounds(data.clips, protocol, classifier.seed)
    warn_of_split_groups(deals, data.clips)
    labels = label_names(data.labels, multi_label=data.multi_label)
    choose_positive(labels, data.labels, options.positive)
    held_out = Rounds(data, labels, options, run, on_round).predict(deals)
    classifier = replace(classifier, balance=held_out.mostly_balanced)
    options = replace(options, classifier=classifier)
    rejected = held_out.n_rejected / len(deals) if options.reliability.reject else None
    root = options.store or project.features_dir
    baseline = baseline_of_rounds(root, data, classifier, deals, held_out)
    scored = ScoredClips(
        [*map(evaluated, data.clips)],
        labels,
        held_out.repeats,
        data.multi_label,
        rejected,
        baseline,
        options.positive,
    )
    title = f"{trained}, {describe_protocol(protocol, len(deals[0]))}"
    source = describe_source(index, data, options, deals, held_out)
    evaluation = measure(title, scored, source, classifier.seed)
    evaluation = add_sections(project, evaluation, data, options, deals[0], on_round)
    return write_report(evaluation, folder, recordings(index, data))
