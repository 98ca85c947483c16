"""Write down what an evaluation found: one dictionary of results, one folder of files."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.dataset.index import Clip
from audiotl_cli.evaluation.figures import draw_confusion
from audiotl_cli.evaluation.metrics import Scores, score
from audiotl_cli.files import write_whole
from audiotl_cli.workflows.features import LabelledFeatures

logger = logging.getLogger(__name__)

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EvaluateReport:
    """What was measured.

    Parameters
    ----------
    title : str
        What was evaluated, how.
    scores : Scores
    result : dict
        Everything in it, as JSON.
    rounds : dict
        Accuracy of every round of a cross-validation, by name; empty otherwise.
    folder : Path
        Where the JSON file and the figure are.
    """

    title: str
    scores: Scores
    result: dict[str, Any]
    rounds: dict[str, float]
    folder: Path


def write_report(
    title: str,
    about: dict[str, Any],
    clips: Sequence[Clip],
    model_labels: list[str],
    matrix: FloatMatrix,
    rounds: dict[str, float],
    folder: Path,
    seed: int,
) -> EvaluateReport:
    truth = [clip.label for clip in clips]
    predicted = [model_labels[best] for best in matrix.argmax(axis=1)]
    labels = sorted({*model_labels, *truth})
    scores = score(truth, predicted, labels, seed)
    result = {
        "accuracy": scores.accuracy,
        "confidence_interval": list(scores.interval),
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "n_clips": len(clips),
        "labels": labels,
        "confusion_matrix": scores.confusion.tolist(),
        "per_label": {label: asdict(one) for label, one in scores.per_label.items()},
        **about,
        "predictions": [
            {
                "path": clip.path,
                "label": clip.label,
                "predicted": told,
                "scores": {
                    label: round(float(value), 6)
                    for label, value in zip(model_labels, row, strict=True)
                },
            }
            for clip, told, row in zip(clips, predicted, matrix, strict=True)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=True) + "\n"
    write_whole(folder / "report.json", text.encode())
    heading = f"{title}\naccuracy {scores.accuracy:.3f}"
    heading += f" [{scores.interval[0]:.3f}, {scores.interval[1]:.3f}]"
    if about["n_trained_on"]:
        heading += f", {about['n_trained_on']} of {len(clips)} clips were trained on"
    heading = "\n".join([heading, *about["warnings"]])
    figure = folder / "confusion.png"
    figure.unlink(missing_ok=True)  # that of an evaluation before
    try:
        draw_confusion(scores, heading, figure)
    except Exception as error:  # whatever drawing meets, the scores are worth more
        logger.warning("%s could not be drawn (%r)", figure, error)
    return EvaluateReport(title, scores, result, rounds, folder)


def warn_trained_on(n_trained_on: int | None, n_clips: int) -> None:
    if n_trained_on:
        logger.warning(
            "%d of the %d clips evaluated were trained on, so the score is too good",
            n_trained_on,
            n_clips,
        )


def weights_warnings(data: LabelledFeatures) -> list[str]:
    return [spec.warning for spec in data.extractors if spec.warning]
