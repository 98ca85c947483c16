"""The models of a project side by side: what they were trained on, and how good they are.

An evaluation leaves ``NAME.evaluation.json`` beside a model of the project: a few scores, and the
SHA-256 of the model that they are of, so that scores of an earlier model do not count.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.model_file import read_card, read_packed
from audiotl_cli.errors import AudiotlError, DataError
from audiotl_cli.evaluation.evaluation import Evaluation
from audiotl_cli.files import digest, real_path
from audiotl_cli.json_files import get, read_json_object
from audiotl_cli.project import Project
from audiotl_cli.written import WrittenFiles

logger = logging.getLogger(__name__)

METRICS = ("balanced_accuracy", "accuracy")
"""By which models are compared, the first that both have."""

MOST_BYTES = 256 << 20
"""Of all models together, up to which the best is looked for before every prediction."""


@dataclass(frozen=True)
class ModelRow:
    """A model of a project.

    Parameters
    ----------
    path : Path
    changed_at : float
        When it was saved, seconds since 1970.
    card : ModelCard or None
        None where it cannot be read.
    problem : str
        Why it cannot be read; else empty.
    scores : mapping
        Held-out metrics by name; empty if none were measured.
    measured_on : str
        The index and the split that these were measured on; also the digest of the index.
    n_measured : int
        Clips that they were measured on.
    """

    path: Path
    changed_at: float
    card: ModelCard | None = None
    problem: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    measured_on: tuple[str, str, str] = ("", "", "")
    n_measured: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON."""
        card = self.card
        value: dict[str, Any] = {"model": str(self.path), "changed_at": round(self.changed_at, 3)}
        if card is None:
            return value | {"problem": self.problem}
        index, _, split = self.measured_on
        return value | {
            "classifier": card.classifier,
            "pooling": card.pooling,
            "extractors": [spec.name for spec in card.extractors],
            "index": card.index,
            "n_clips": card.n_clips,
            "labels": list(card.labels),
            "balanced_accuracy": self.scores.get("balanced_accuracy"),
            "accuracy": self.scores.get("accuracy"),
            "measured_on": {"index": index, "split": split, "n_clips": self.n_measured}
            if self.scores
            else None,
        }


@dataclass(frozen=True)
class Better:
    """A model that was better than the newest on the same clips, and by which metric."""

    path: Path
    metric: str


def list_models(project: Project) -> list[ModelRow]:
    """Return the models of a project: by index, the best first, those without a score last."""
    rows = [_row(path) for path in project.models()]
    return sorted(rows, key=lambda row: (row.card.index if row.card else "\U0010ffff", *_rank(row)))


def _rank(row: ModelRow) -> tuple[float, float, float]:
    first, second = (row.scores.get(metric, -1.0) for metric in METRICS)
    return -first, -second, -row.changed_at


def better_than_newest(project: Project) -> Better | None:
    """Return the best model of those measured on the same clips as the newest; None if that is it.

    Models that take long to read are not looked at.
    """
    paths = project.models()
    if len(paths) < 2 or sum(path.stat().st_size for path in paths) > MOST_BYTES:
        return None
    by_path = {path: _row(path) for path in paths}
    newest = by_path[project.newest_model()]
    rows = [row for row in by_path.values() if row.measured_on == newest.measured_on]
    for metric in METRICS:
        if metric in newest.scores:
            best = max(rows, key=lambda row: row.scores.get(metric, 0.0))
            is_better = best.scores.get(metric, 0.0) > newest.scores[metric]
            return Better(best.path, metric) if is_better else None
    return None


def _row(path: Path) -> ModelRow:
    changed_at = path.stat().st_mtime
    try:
        packed = read_packed(path)
        card = read_card(path, packed)
    except AudiotlError as error:
        return ModelRow(path, changed_at, problem=str(error))
    noted = _read_scores(path, hashlib.sha256(packed).hexdigest())
    if noted is not None:
        return ModelRow(path, changed_at, card, "", *noted)
    if held_out := card.held_out:
        scores = {metric: held_out[metric] for metric in METRICS if metric in held_out}
        if card.verdict and card.verdict["metric"] in METRICS:
            scores[card.verdict["metric"]] = card.verdict["value"]
        on = card.index, card.index_sha256, held_out["split"]
        return ModelRow(path, changed_at, card, "", scores, on, held_out["n_clips"])
    return ModelRow(path, changed_at, card)


def scores_path(model: Path) -> Path:
    """Return the file beside a model that keeps its scores."""
    return model.with_suffix(".evaluation.json")


def note_scores(project: Project, model: Path, evaluation: Evaluation) -> None:
    """Keep the scores of a model of the project for the leaderboard, if they can be written."""
    if real_path(model.parent) != real_path(project.models_dir):
        return
    path, written, source = scores_path(model), WrittenFiles(), evaluation.source
    metrics = evaluation.scores.metrics
    value = {
        "model_sha256": digest(model, "sha256"),
        "index": source.index,
        "index_sha256": source.index_sha256,
        "split": source.split,
        "n_clips": evaluation.n_clips,
        "n_trained_on": source.n_trained_on,
        "scores": {metric: metrics[metric] for metric in METRICS if metric in metrics},
    }
    try:
        if written.is_free(path):
            written.write(path, (json.dumps(value, indent=1) + "\n").encode())
    except (OSError, AudiotlError) as error:
        logger.debug("%s could not be written (%s)", path, error)


def _read_scores(
    model: Path, sha256: str
) -> tuple[dict[str, float], tuple[str, str, str], int] | None:
    """Return the scores that an evaluation left; None without any of this very model."""
    try:
        value = read_json_object(scores_path(model))
        if get(value, "model_sha256", str) != sha256 or value.get("n_trained_on"):
            return None
        found: dict[str, Any] = get(value, "scores", dict)
        scores = {metric: get(found, metric, float) for metric in METRICS if metric in found}
        on = (get(value, "index", str), get(value, "index_sha256", str), get(value, "split", str))
        return scores, on, get(value, "n_clips", int)
    except (OSError, DataError):
        return None
