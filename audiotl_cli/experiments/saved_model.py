"""What an evaluation of a saved model is made of."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiotl_cli.classifiers.card import ModelCard, clip_mark
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.duplicates import DuplicatePair
from audiotl_cli.evaluation.evaluation import Source
from audiotl_cli.evaluation.measure import ScoredClips
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.experiments.baseline import find_mfcc, predict_baseline
from audiotl_cli.experiments.features import LabelledFeatures, evaluated
from audiotl_cli.experiments.sections import duplicates, index_name, weights_warnings
from audiotl_cli.experiments.suspected_groups import suspected_groups
from audiotl_cli.experiments.training import score_rows
from audiotl_cli.labels import split_labels
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)

MOST_NAMED = 10  # labels in a message


def score_clips(
    classifier: ClipClassifier, data: LabelledFeatures, rows: Sequence[int]
) -> ScoredClips:
    """Return the scores of clips, and which are rejected."""
    scores = score_rows(classifier, data, rows)
    rejected = None
    if classifier.rejection is not None:
        rejected = classifier.rejects([data.frames[i] for i in rows], scores).astype(np.float64)
    clips = [evaluated(data.clips[i]) for i in rows]
    return ScoredClips(clips, classifier.labels, [scores], classifier.multi_label, rejected)


def check_labels(model: Path, card: ModelCard, index: Index, truth: Sequence[str]) -> None:
    """Refuse to evaluate a model on clips none of whose labels it knows; warn of some.

    Parameters
    ----------
    model : Path
    card : ModelCard
    index : Index
    truth : sequence of str
        Labels of the clips, joined where there are several.

    Raises
    ------
    DataError
        Says which labels each side has.
    """
    n_of = Counter(label for text in truth for label in split_labels(text))
    unknown = sorted(n_of.keys() - set(card.labels))
    if not unknown:
        return
    named = _named(unknown) + did_you_mean(unknown[0], card.labels)
    if len(unknown) == len(n_of):
        raise DataError(
            f"{model} knows none of the labels to evaluate it on: {index.path} has "
            f"{_named(unknown)}, the model has {_named(card.labels)} (from "
            f"{card.index or 'another index'}). Choose the index with --index, or the model: "
            f"audiotl evaluate MODEL{did_you_mean(unknown[0], card.labels)}"
        )
    logger.warning(
        "%d of %d clips have labels that the model does not know, so it cannot be right about "
        "them: %s. Train it again to learn them",
        sum(not set(split_labels(text)) <= set(card.labels) for text in truth),
        len(truth),
        named,
    )


def _named(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(labels[:MOST_NAMED]) + more


def describe_source(
    model: Path,
    card: ModelCard,
    index: Index,
    split: str,
    data: LabelledFeatures,
    rows: Sequence[int],
) -> Source:
    """Return what is evaluated, and on what."""
    known = set(card.trained_on)
    n_trained_on = sum(clip_mark(data.keys[i]) in known for i in rows) if known else None
    return Source(
        index=index_name(index),
        index_sha256=index.sha256(),
        n_trained_on=n_trained_on,
        warnings=weights_warnings(data),
        model=str(model),
        split=split,
        suspected_groups=suspected_groups(data, card.pooling),
        card={name: value for name, value in card.to_dict().items() if name != "trained_on"},
    )


def duplicates_of_training(
    data: LabelledFeatures, card: ModelCard, split: str
) -> list[DuplicatePair] | None:
    """Return tested clips nearly equal to clips trained on; None if none of these is known."""
    known = set(card.trained_on)
    trained_on = [clip_mark(key) in known for key in data.keys]
    if not any(trained_on):
        return None
    beside = [i for i, clip in enumerate(data.clips) if trained_on[i] or clip.split == split]
    tested = [data.clips[i].split == split for i in beside]
    parts = ["tested" if is_tested else "trained on" for is_tested in tested]
    return duplicates(data, beside, parts, tested)


def baseline_of_model(
    root: AnyPath, data: LabelledFeatures, card: ModelCard, rows: Sequence[int]
) -> list[list[str]] | None:
    """Return what a model of MFCC features predicts for clips, trained on the same as a model.

    None where a store does not hold the MFCC features, or the index not all clips trained on.
    """
    known, tested = set(card.trained_on), set(rows)
    train = [i for i, key in enumerate(data.keys) if clip_mark(key) in known and i not in tested]
    if not known or len({data.keys[i] for i in train}) < len(known):
        return None
    mfcc = find_mfcc(root, data, card.classifier, card.pooling)
    part = Round("", train, list(rows))
    predicted = predict_baseline(mfcc, [part], [card.balance], card.seed)
    return None if predicted is None else [predicted]
