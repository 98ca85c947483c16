"""Fit a classifier and save it as a model, with its card."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.card import ModelCard, clip_mark, library_versions
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.labels import unbalanced
from audiotl_cli.classifiers.model_file import dump_model
from audiotl_cli.classifiers.model_text import card_path, card_text
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pipeline import is_scaled
from audiotl_cli.dataset.duplicates.suggested_groups import suspected_groups
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.search import Choice
from audiotl_cli.experiments.splits import TEST
from audiotl_cli.experiments.training import (
    SCORES_ALONE,
    Reliability,
    describe_reliability,
    fit_rows,
    is_streamed,
    score_rows,
)
from audiotl_cli.written import WrittenFiles, write_output

logger = logging.getLogger(__name__)


def fit_and_save(
    path: Path,
    index: Index,
    data: LabelledFeatures,
    rows: Sequence[int],
    options: ClassifierOptions,
    *,
    split: str,
    reliability: Reliability = SCORES_ALONE,
    choice: Choice | None = None,
) -> ModelCard:
    """Fit a classifier on some of the clips and save it.

    Parameters
    ----------
    path : Path
        The model's file.
    index : Index
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to train on.
    options : ClassifierOptions
    split : str
        What these clips are called.
    reliability : Reliability
        Calibration and rejection.
    choice : Choice, optional
        How the options came about.
    """
    hint = "" if options.balance else unbalanced([data.labels[i] for i in rows])
    if hint:
        logger.info("%s", hint)
    classifier = fit_rows(data, rows, options, reliability)
    has_splits = any(clip.split for clip in data.clips)
    card = ModelCard(
        classifier=options.classifier,
        pooling=options.pooling,
        params=dict(classifier.params),
        scale=is_scaled(classifier.pipeline),
        sqrt=options.sqrt,
        pca=options.pca,
        seed=options.seed,
        labels=classifier.labels,
        extractors=data.extractors,
        index=index.path.name if index.path else "",
        index_sha256=index.sha256(),
        split=split if has_splits else "all",
        n_clips=len(rows),
        held_out=_held_out(classifier, data) if has_splits and split != TEST else None,
        versions=library_versions(),
        search=choice.leaderboard() if choice else [],
        combine=options.combine if len(data.extractors) > 1 else "concat",
        balance=options.balance,
        multi_label=options.multi_label,
        streamed=is_streamed(data),
        suspected_groups=suspected_groups(data.clips),
        trained_on=sorted({clip_mark(data.keys[i]) for i in rows}),
        **describe_reliability(classifier, reliability),
    )
    write_output(path, dump_model(classifier, card))
    write_card(card, path)
    return card


def write_card(card: ModelCard, model: Path) -> None:
    """Write what a model is for people to read, beside it; the model does without.

    A file of that name that somebody made or edited stays, whatever becomes of the model.
    """
    path = card_path(model)
    written = WrittenFiles()
    if not written.is_free(path):
        logger.warning(
            "%s is no model card of audiotl's, or was edited, so it is left as it is", path
        )
        return
    try:
        written.write(path, card_text(card, model).encode("utf-8", "backslashreplace"))
    except OSError as error:
        logger.warning("%s could not be written (%s)", path, error.strerror)


def _held_out(classifier: ClipClassifier, data: LabelledFeatures) -> dict[str, Any] | None:
    rows = [i for i, clip in enumerate(data.clips) if clip.split == TEST]
    if not rows:
        return None
    scores = score_rows(classifier, data, rows)
    n_right = sum(
        data.labels[i] == classifier.label_of(row) for i, row in zip(rows, scores, strict=True)
    )
    return {"split": TEST, "n_clips": len(rows), "accuracy": n_right / len(rows)}
