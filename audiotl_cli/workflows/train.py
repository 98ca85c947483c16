"""Fit a classifier on stored features and save it."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard, clip_mark, library_versions
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.labels import unbalanced
from audiotl_cli.classifiers.model_file import dump_model
from audiotl_cli.classifiers.model_text import card_path, card_text
from audiotl_cli.classifiers.options import DEFAULT_CLASSIFIER, DEFAULT_POOLING, ClassifierOptions
from audiotl_cli.classifiers.pipeline import is_scaled
from audiotl_cli.classifiers.registry import classifier_name, find_recipe, standardises
from audiotl_cli.classifiers.rejection import POOLING
from audiotl_cli.classifiers.trials import Runner
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.choose import Choice, OnProgress, choose, deal_folds, only, plan
from audiotl_cli.experiments.features import LabelledFeatures, read_features
from audiotl_cli.experiments.fit import SCORES_ALONE, Reliability, describe_reliability, fit_rows
from audiotl_cli.experiments.fitting import is_streamed, score_rows
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import safe_name
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.written import WrittenFiles, claim, write_output

logger = logging.getLogger(__name__)

TRAIN, TEST = "train", "test"
LONGEST_NAME, LONGEST_PART = 160, 40  # characters; a file's name has at most 255 bytes


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
    index: Index,
    root: AnyPath,
    extractors: list[str],
    options: ClassifierOptions,
    *,
    n_settings: int = 0,
    reliability: Reliability = SCORES_ALONE,
    split: str = TRAIN,
    out: Path | None = None,
    models: Path,
    overwrite: bool = False,
    memory: int | None = None,
    run: Runner | None = None,
    on_fit: OnProgress = lambda done, total: None,
) -> TrainReport:
    """Fit a classifier on one split of an index and save it.

    Parameters
    ----------
    index : Index
        Where it has no splits at all, every clip is trained on.
    root : Path or RemotePath
        A folder of feature stores, or one store.
    extractors : list of str
        Their features are put side by side; empty for the store used last.
    options : ClassifierOptions
    n_settings : int
        How many settings of classifier, pooling and parameters to try on the clips to train
        on, with each, every two and all of the extractors; the one picked is fitted. 0 takes
        `options` as they are.
    reliability : Reliability
        Calibration and rejection.
    split : str
    out : Path or None
        The model's file; None names it by what it is made of, in `models`.
    models : Path
    overwrite : bool
        Whether a file of that name that somebody else made may be lost.
    memory : int or None
        Bytes that frames that vote, and what is made of them, may take; None is half of this
        machine's. More are left in the stores, and the classifier is fitted block by block.
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
    claim([out] if out else [], overwrite=overwrite)
    options = asked = replace(options, classifier=classifier_name(options.classifier))
    poolings = None if n_settings else {options.pooling, POOLING}  # a search may try any
    data = read_features(index, root, extractors, poolings, memory=memory)
    rows, asked_of = rows_of(data, split), data.extractors
    options = asked = replace(options, multi_label=data.multi_label)
    name = model_name(
        index, asked_of, asked, n_settings=n_settings, reliability=reliability, split=split
    )
    path = out or models / f"{name}.joblib"
    claim([path], overwrite=overwrite)
    choice = None
    if n_settings:
        candidates = plan(data, rows, n_settings, options)
        folds = deal_folds(data, rows, options.seed)
        choice = choose(data, rows, candidates, folds, on_progress=on_fit, run=run)
        options, data = choice.options, only(data, choice.chosen.setting.parts)
    return fit_and_save(
        index, data, rows, options, split, path, reliability=reliability, choice=choice
    )


def fit_and_save(
    index: Index,
    data: LabelledFeatures,
    rows: Sequence[int],
    options: ClassifierOptions,
    split: str,
    path: Path,
    *,
    reliability: Reliability = SCORES_ALONE,
    choice: Choice | None = None,
) -> TrainReport:
    """Fit a classifier on some of the clips and save it.

    Parameters
    ----------
    index : Index
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to train on.
    options : ClassifierOptions
    split : str
        What these clips are called.
    path : Path
        The model's file.
    reliability : Reliability
        Calibration and rejection.
    choice : Choice, optional
        How the options came about.
    """
    has_splits = any(clip.split for clip in data.clips)
    hint = "" if options.balance else unbalanced([data.labels[i] for i in rows])
    if hint:
        logger.info("%s", hint)
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
        split=split if has_splits else "all",
        n_clips=len(rows),
        held_out=_held_out(classifier, data) if has_splits and split != TEST else None,
        versions=library_versions(),
        search=choice.leaderboard() if choice else [],
        combine=options.combine if len(data.extractors) > 1 else "concat",
        balance=options.balance,
        multi_label=options.multi_label,
        streamed=is_streamed(data),
        trained_on=sorted({clip_mark(data.keys[i]) for i in rows}),
        **describe_reliability(classifier, reliability),
    )
    write_output(path, dump_model(classifier, card))
    write_card(card, path)
    return TrainReport(path, card, data.stores)


def rows_of(data: LabelledFeatures, split: str) -> list[int]:
    """Return the positions of a split's clips; of all, where there are no splits at all.

    Raises
    ------
    DataError
        There are none.
    """
    splits = {clip.split for clip in data.clips}
    rows = [i for i, clip in enumerate(data.clips) if clip.split == split or splits == {""}]
    if not rows:
        raise DataError(
            f"no clip with features is in the split {split!r}; the index has "
            f"{', '.join(sorted(splits - {''}))}"
        )
    return rows


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


def model_name(
    index: Index,
    extractors: list[ExtractorSpec],
    options: ClassifierOptions,
    *,
    n_settings: int = 0,
    reliability: Reliability = SCORES_ALONE,
    split: str = TRAIN,
    how: str = "search",
) -> str:
    """Return a name that says what a model or an experiment is made of.

    Options at their default are left out, so that the usual names are short. `how` is what the
    trying of settings is called.
    """
    data_set = index.path.stem if index.path else "index"
    networks = "+".join(
        safe_name(spec.name) + (f"-{safe_name(spec.layer.replace('/', '-'))}" if spec.layer else "")
        for spec in extractors
    )
    recipe = find_recipe(options.classifier)
    kind = f"{options.classifier}-{options.pooling}"
    if n_settings:  # among which those asked for are only the first
        usual = kind == f"{DEFAULT_CLASSIFIER}-{DEFAULT_POOLING}"
        kind = f"{how}{n_settings}" if usual else f"{how}{n_settings}-from-{kind}"
    parts = [data_set, networks, kind]
    if options.pca is not None:
        parts.append(f"pca{options.pca}")
    if options.scale not in (None, standardises(options.classifier, len(extractors))):
        parts.append("scale" if options.scale else "no-scale")
    if options.sqrt:
        parts.append("root")
    for name, value in sorted(options.params.items()):
        if name not in recipe.params or recipe.params[name] != value:
            parts.append(name_part(f"{name}={value}"))
    if options.combine != "concat" and len(extractors) > 1:
        parts.append(options.combine)
    if options.balance:
        parts.append("balance")
    if reliability.calibrate:
        parts.append(reliability.calibrate)
    if reliability.reject:
        parts.append(f"reject{reliability.reject:g}")
    if options.seed:
        parts.append(f"seed{options.seed}")
    if split != TRAIN:
        parts.append(f"on-{name_part(split)}")
    return shorten("-".join(parts), LONGEST_NAME)


def name_part(text: str) -> str:
    """Return text fit for a part of a file's name; different text stays different."""
    safe = re.sub(r"[^\w.=+-]+", "_", text, flags=re.ASCII)
    return shorten(text if safe == text else f"{safe}-{_digest(text)}", LONGEST_PART)


def shorten(text: str, n_most: int) -> str:
    """Return text of at most so many characters; different text stays different."""
    return text if len(text) <= n_most else f"{text[: n_most - 7]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def _held_out(classifier: ClipClassifier, data: LabelledFeatures) -> dict[str, Any] | None:
    rows = [i for i, clip in enumerate(data.clips) if clip.split == TEST]
    if not rows:
        return None
    scores = score_rows(classifier, data, rows)
    n_right = sum(
        data.labels[i] == classifier.label_of(row) for i, row in zip(rows, scores, strict=True)
    )
    return {"split": TEST, "n_clips": len(rows), "accuracy": n_right / len(rows)}
