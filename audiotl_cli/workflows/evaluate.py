"""Measure how good a saved model is, on clips it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audiotl_cli.classify.artifact import ModelCard, clip_mark, load_model_file
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.report.write import claim_report
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.features import read_features_of
from audiotl_cli.workflows.fitting import score_rows
from audiotl_cli.workflows.leaks import find_leaks, sides_of_model, warn_of_leaks
from audiotl_cli.workflows.report import (
    Answers,
    EvaluateReport,
    duplicates,
    embedding_map,
    recordings,
    warn_trained_on,
    weights_warnings,
    write_report,
)
from audiotl_cli.workflows.several_labels import write_several_report
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
    trust: str | Sequence[str] = (),
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
    trust : str or sequence of str
        See `load_model_file`.

    Raises
    ------
    DataError
        No clips, or no features, to evaluate on.
    ArtifactError
        The model cannot be loaded.
    """
    classifier, card = load_model_file(model, trust)
    folder = report or experiments / _report_name(model, card, index, split, seed)
    claim_report(folder, overwrite=overwrite)
    data = read_features_of(index, root, list(card.extractors), {card.pooling, "mean+std"})
    if data.multi_label and not card.multi_label:
        raise DataError(
            f"{index.path} has clips with several labels; {model} was trained on one label a clip: "
            "train it again on such an index"
        )
    rows = [i for i, clip in enumerate(data.clips) if clip.split == split]
    if not rows:
        found = ", ".join(sorted({clip.split for clip in data.clips} - {""})) or "no splits"
        raise DataError(
            f"no clip with features is in the split {split!r} of {index.path} (it has {found}); "
            "choose one with --split, or evaluate with --cv"
        )
    clips = [data.clips[i] for i in rows]
    matrix = score_rows(classifier, data, rows)
    rejected = None
    if classifier.rejection is not None:
        frames = [data.frames[i] for i in rows]
        rejected = classifier.rejects(frames, matrix).astype(float)
    title = f"{model.stem} on {split} of {index.path.name if index.path else 'the index'}"
    known = set(card.trained_on)
    seen = [clip_mark(key) in known for key in data.keys]
    n_trained_on = sum(seen[i] for i in rows) if known else None
    about: dict[str, Any] = {
        "model": str(model),
        "split": split,
        "index": index.path.name if index.path else "",
        "index_sha256": index.sha256(),
        "n_trained_on": n_trained_on,
        "card": {name: value for name, value in asdict(card).items() if name != "trained_on"},
        "warnings": weights_warnings(data),
    }
    if any(seen):
        beside = [i for i, clip in enumerate(data.clips) if seen[i] or clip.split == split]
        tested = [data.clips[i].split == split for i in beside]
        sides = ["tested" if one else "trained on" for one in tested]
        about["duplicates"] = duplicates(data, beside, sides, tested)
    warn_trained_on(n_trained_on, len(rows))
    about["leaks"] = find_leaks(sides_of_model(card, data.clips, data.keys, rows))
    warn_of_leaks(about["leaks"], len(rows))
    if card.multi_label:
        return write_several_report(
            title, about, clips, classifier.labels, matrix, {}, folder, seed
        )
    answers = Answers(clips, classifier.labels, [matrix], rejected)
    about |= embedding_map(data, rows)
    return write_report(title, about, answers, {}, folder, seed, root=recordings(index, data))


def _report_name(model: Path, card: ModelCard, index: Index, split: str, seed: int) -> str:
    parts = [model.stem, name_part(split)]
    if index.path and index.path.name != card.index:
        parts.append(f"of-{name_part(index.path.stem)}")
    if seed:
        parts.append(f"seed{seed}")
    return "-".join(parts)
