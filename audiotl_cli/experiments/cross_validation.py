"""What a cross-validation is made of: who is held out when, and what is said of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace

from audiotl_cli.classifiers.card import library_versions
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.evaluation.evaluation import Evaluation, Source
from audiotl_cli.evaluation.protocols import Protocol, Round, check_groups, leave_one_out
from audiotl_cli.experiments.baseline import find_mfcc, predict_baseline
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.leaks import Side, find_leaks, warn_of_leaks, warn_trained_on
from audiotl_cli.experiments.learning_curve import measure_learning_curve
from audiotl_cli.experiments.open_set import measure_open_set
from audiotl_cli.experiments.rounds import CrossValidation, HeldOut, OnRound
from audiotl_cli.experiments.sections import (
    duplicates,
    embedding_map,
    index_name,
    weights_warnings,
)
from audiotl_cli.experiments.suspected_groups import suspected_groups
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)


def deal_rounds(clips: Sequence[Clip], how: Protocol, seed: int) -> list[list[Round]]:
    """Return the rounds of every repeat."""
    if isinstance(how.parts, str):
        return [leave_one_out([getattr(clip, how.parts) for clip in clips], how.parts)]
    deals = []
    for repeat in range(how.n_repeats):
        dealt = assign_folds(list(clips), how.parts, seed + repeat, option="--cv")
        deals.append(leave_one_out([clip.fold for clip in dealt], "fold"))
    return deals


def warn_of_split_groups(deals: Sequence[Sequence[Round]], clips: Sequence[Clip]) -> None:
    """Warn if groups are on both sides of a fold."""
    leaks = check_groups(deals[0], [clip.group for clip in clips])
    if leaks:
        logger.warning(
            "%d groups stand on both sides of a fold, so the score is too good: %s",
            len(leaks),
            ", ".join(leaks[:5]) + (", ..." if len(leaks) > 5 else ""),
        )


def describe_source(
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
            "balanced": held_out.balanced,
            "reliability": asdict(options.reliability),
            "versions": library_versions(),
        },
        rounds=held_out.accuracies,
        suspected_groups=suspected_groups(data, kind.pooling, _parts(deals[0])),
    )


def baseline_of_rounds(
    root: AnyPath,
    data: LabelledFeatures,
    classifier: ClassifierOptions,
    deals: Sequence[Sequence[Round]],
    held_out: HeldOut,
) -> list[list[str]] | None:
    """Return what models of MFCC features predict, in the same rounds; None where there are none.

    Parameters
    ----------
    root : Path or RemotePath
        The folder of stores.
    data, classifier, deals, held_out
        Of the models evaluated.
    """
    mfcc = find_mfcc(root, data, classifier.classifier, classifier.pooling)
    balanced = list(held_out.balanced.values())
    found: list[list[str]] = []
    for rounds in deals:
        predicted = predict_baseline(mfcc, rounds, balanced[: len(rounds)], classifier.seed)
        del balanced[: len(rounds)]
        if predicted is None:
            return None
        found.append(predicted)
    return found


def add_sections(
    project: Project,
    evaluation: Evaluation,
    data: LabelledFeatures,
    options: CrossValidation,
    rounds: Sequence[Round],
    on_round: OnRound,
) -> Evaluation:
    """Return the evaluation with what features and further fits show."""
    everything = range(len(data.clips))
    parts = _parts(rounds)
    sides = [
        Side(clip, key, part, tested=True)
        for clip, key, part in zip(data.clips, data.keys, parts, strict=True)
    ]
    leaks = find_leaks(project, sides)
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


def describe_protocol(how: Protocol, n_rounds: int) -> str:
    """Put a protocol into words."""
    if how.parts == "group":
        return "leave one group out"
    times = f", {how.n_repeats} times" if how.n_repeats > 1 else ""
    return f"{n_rounds}-fold cross-validation{times}"


def _parts(rounds: Sequence[Round]) -> list[str]:
    """Return the part that every clip is tested in."""
    part_of = {i: part.name for part in rounds for i in part.test}
    return [part_of[i] for i in sorted(part_of)]


def _count_trained_on(data: LabelledFeatures, rounds: Sequence[Round]) -> int:
    n_trained_on = 0
    for part in rounds:
        known = {data.keys[i] for i in part.train}
        n_trained_on += sum(data.keys[i] in known for i in part.test)
    return n_trained_on
