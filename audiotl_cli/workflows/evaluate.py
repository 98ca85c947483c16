"""Measure how good a saved model is, on clips it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from audiotl_cli.classifiers.card import ModelCard, clip_mark
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.duplicates import DuplicatePair
from audiotl_cli.evaluation.evaluation import Source
from audiotl_cli.evaluation.measure import ScoredClips, measure
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.experiments.features import LabelledFeatures, evaluated, read_features_of
from audiotl_cli.experiments.fitting import score_rows
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.leaks import find_leaks, sides_of_model, warn_of_leaks
from audiotl_cli.workflows.report import (
    POOLING,
    EvaluateReport,
    duplicates,
    embedding_map,
    index_name,
    recordings,
    warn_trained_on,
    weights_warnings,
    write_report,
)
from audiotl_cli.workflows.train import TEST, name_part


def evaluate_model(
    model: Path,
    index: Index,
    root: AnyPath,
    *,
    split: str = TEST,
    report: Path | None = None,
    experiments: Path,
    overwrite: bool = False,
    seed: int = 0,
) -> EvaluateReport:
    """Evaluate a saved model on one split of an index.

    Parameters
    ----------
    model : Path
    index : Index
    root : Path or RemotePath
        A folder of feature stores, or one store.
    split : str
    report : Path or None
        Folder for the report; None names one in `experiments`.
    experiments : Path
    overwrite : bool
        Whether files in that folder that somebody else made may be lost.
    seed : int
        Of the bootstrap.

    Raises
    ------
    DataError
        No clips, or no features, to evaluate on.
    ArtifactError
        The model cannot be loaded.
    """
    classifier, card = load_model_file(model)
    folder = report or experiments / _report_name(model, card, index, split, seed)
    claim_report(folder, overwrite=overwrite)
    data = read_features_of(index, root, list(card.extractors), {card.pooling, POOLING})
    if data.multi_label and not card.multi_label:
        raise DataError(
            f"{index.path} has clips with several labels; {model} was trained on one label a clip: "
            "train it again on such an index"
        )
    rows = _rows(data, split, index)
    source = _source(model, card, index, split, data, rows)
    warn_trained_on(source.n_trained_on, len(rows))
    leaks = find_leaks(sides_of_model(card, data.clips, data.keys, rows))
    warn_of_leaks(leaks, len(rows))
    title = f"{model.stem} on {split} of {index_name(index) or 'the index'}"
    evaluation = replace(
        measure(title, _scored(classifier, data, rows), source, seed),
        leaks=leaks,
        duplicates=_duplicates(data, card, split),
        embedding_map=embedding_map(data, rows),
    )
    return write_report(evaluation, folder, recordings(index, data))


def _rows(data: LabelledFeatures, split: str, index: Index) -> list[int]:
    """Return the positions of the clips of a split."""
    rows = [i for i, clip in enumerate(data.clips) if clip.split == split]
    if not rows:
        found = ", ".join(sorted({clip.split for clip in data.clips} - {""})) or "no splits"
        raise DataError(
            f"no clip with features is in the split {split!r} of {index.path} (it has {found}); "
            "choose one with --split, or evaluate with --cv"
        )
    return rows


def _scored(classifier: ClipClassifier, data: LabelledFeatures, rows: list[int]) -> ScoredClips:
    """Return the scores of clips, and which are rejected."""
    scores = score_rows(classifier, data, rows)
    rejected = None
    if classifier.rejection is not None:
        rejected = classifier.rejects([data.frames[i] for i in rows], scores).astype(np.float64)
    clips = [evaluated(data.clips[i]) for i in rows]
    return ScoredClips(clips, classifier.labels, [scores], classifier.multi_label, rejected)


def _source(
    model: Path,
    card: ModelCard,
    index: Index,
    split: str,
    data: LabelledFeatures,
    rows: Sequence[int],
) -> Source:
    known = set(card.trained_on)
    n_trained_on = sum(clip_mark(data.keys[i]) in known for i in rows) if known else None
    return Source(
        index=index_name(index),
        index_sha256=index.sha256(),
        n_trained_on=n_trained_on,
        warnings=weights_warnings(data),
        model=str(model),
        split=split,
        card={name: value for name, value in card.to_dict().items() if name != "trained_on"},
    )


def _duplicates(data: LabelledFeatures, card: ModelCard, split: str) -> list[DuplicatePair] | None:
    """Return tested clips nearly equal to clips trained on; None if none of these is known."""
    known = set(card.trained_on)
    trained_on = [clip_mark(key) in known for key in data.keys]
    if not any(trained_on):
        return None
    beside = [i for i, clip in enumerate(data.clips) if trained_on[i] or clip.split == split]
    tested = [data.clips[i].split == split for i in beside]
    parts = ["tested" if is_tested else "trained on" for is_tested in tested]
    return duplicates(data, beside, parts, tested)


def _report_name(model: Path, card: ModelCard, index: Index, split: str, seed: int) -> str:
    parts = [model.stem, name_part(split)]
    if index.path and index.path.name != card.index:
        parts.append(f"of-{name_part(index.path.stem)}")
    if seed:
        parts.append(f"seed{seed}")
    return "-".join(parts)
