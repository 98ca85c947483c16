"""Fit a classifier and save it as a model, with its card."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.card import ModelCard, clip_mark, library_versions
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_file import dump_model
from audiotl_cli.classifiers.model_text import card_path, card_text
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pipeline import is_scaled
from audiotl_cli.dataset.index import Index
from audiotl_cli.evaluation.evaluation import Source
from audiotl_cli.evaluation.measure import measure
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.experiments.balance import decide_balance
from audiotl_cli.experiments.baseline import find_mfcc, predict_baseline
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.saved_model import score_clips
from audiotl_cli.experiments.search import Choice
from audiotl_cli.experiments.splits import TEST
from audiotl_cli.experiments.suspected_groups import suspected_groups
from audiotl_cli.experiments.training import (
    SCORES_ALONE,
    Reliability,
    describe_reliability,
    fit_rows,
    is_streamed,
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
    options = (decided := decide_balance(data, rows, options)).options
    classifier = fit_rows(data, rows, options, reliability)
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
        split=split if any(clip.split for clip in data.clips) else "all",
        n_clips=len(rows),
        versions=library_versions(),
        search=choice.leaderboard() if choice else [],
        combine=options.combine if len(data.extractors) > 1 else "concat",
        balance=bool(options.balance),
        balancing=choice.balancing if choice else decided.to_dict(),
        multi_label=options.multi_label,
        streamed=is_streamed(data),
        suspected_groups=suspected_groups(data, options.pooling),
        trained_on=sorted({clip_mark(data.keys[i]) for i in rows}),
        **held_out_scores(classifier, data, rows, options, split),
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


def held_out_scores(
    classifier: ClipClassifier,
    data: LabelledFeatures,
    rows: Sequence[int],
    options: ClassifierOptions,
    split: str,
) -> dict[str, Any]:
    """Return what the card says of the test clips; nothing where there are none."""
    tested = [i for i, clip in enumerate(data.clips) if clip.split == TEST]
    if not tested or split == TEST:
        return {}
    mfcc = find_mfcc(data.stores[0].folder.parent, data, options.classifier, options.pooling)
    part = Round(TEST, list(rows), tested)
    scored = score_clips(classifier, data, tested)
    baseline = predict_baseline(mfcc, [part], [bool(options.balance)], options.seed)
    if baseline is not None:
        scored = replace(scored, baseline=[baseline])
    found = measure("", scored, Source(), options.seed)
    held_out = {"split": TEST, "n_clips": len(tested), "accuracy": found.scores.accuracy}
    return {"held_out": held_out, "verdict": found.verdict and found.verdict.to_dict()}
