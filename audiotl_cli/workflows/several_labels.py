"""Write down what an evaluation found of clips that may have several labels."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.classify.labels import label_numbers, split_labels, told_labels
from audiotl_cli.dataset.index import Clip
from audiotl_cli.evaluation.figures import draw_confusion
from audiotl_cli.evaluation.intervals import number_units
from audiotl_cli.evaluation.several_labels import score_several
from audiotl_cli.workflows.report import EvaluateReport, FloatMatrix
from audiotl_cli.written import write_output

logger = logging.getLogger(__name__)


def write_several_report(
    title: str,
    about: dict[str, Any],
    clips: Sequence[Clip],
    model_labels: list[str],
    matrix: FloatMatrix,
    rounds: dict[str, float],
    folder: Path,
    seed: int,
) -> EvaluateReport:
    """Score what was said of clips, any number of labels each, and write it down.

    Parameters
    ----------
    title : str
    about : dict
        What else goes into the result.
    clips : sequence of Clip
    model_labels : list of str
    matrix : float64 (n_clips, n_labels)
    rounds, folder : see `EvaluateReport`
    seed : int
        Of the bootstrap.
    """
    truth = [clip.label for clip in clips]
    told = [told_labels(row, model_labels, multi_label=True) for row in matrix]
    labels = sorted({*model_labels, *(one for text in truth for one in split_labels(text))})
    wide = np.zeros((len(clips), len(labels)))
    wide[:, [labels.index(label) for label in model_labels]] = matrix
    units = number_units([("group", c.group) if c.group else ("path", c.path) for c in clips])
    scores = score_several(
        label_numbers(truth, labels, multi_label=True) > 0,
        label_numbers(told, labels, multi_label=True) > 0,
        wide,
        labels,
        units,
        seed,
    )
    ranked = scores.average_precision
    result = {
        "accuracy": scores.accuracy,
        "confidence_interval": list(scores.interval),
        "interval_over": "clips" if len(set(units.tolist())) == len(units) else "groups",
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "micro_f1": scores.micro_f1,
        "mean_average_precision": scores.mean_average_precision,
        "n_clips": len(clips),
        "multi_label": True,
        "labels": labels,
        "confusion_matrix": scores.confusion.tolist(),
        "per_label": {
            label: asdict(one) | ({"average_precision": ranked[label]} if label in ranked else {})
            for label, one in scores.per_label.items()
        },
        **about,
        "predictions": [
            {
                "path": clip.path,
                "label": clip.label,
                "predicted": predicted,
                "scores": {
                    label: round(float(value), 6)
                    for label, value in zip(model_labels, row, strict=True)
                },
            }
            for clip, predicted, row in zip(clips, told, matrix, strict=True)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=True) + "\n"
    write_output(folder / "report.json", text.encode())
    figure = folder / "confusion.png"
    figure.unlink(missing_ok=True)  # that of an evaluation before
    heading = f"{title}\nmean average precision {scores.mean_average_precision:.3f}"
    try:
        draw_confusion(scores, "\n".join([heading, *about["warnings"]]), figure)
    except Exception as error:  # whatever drawing meets, the scores are worth more
        logger.warning("%s could not be drawn (%r)", figure, error)
    return EvaluateReport(title, scores, result, rounds, folder)
