"""Scores of predictions that are given as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes
from audiotl_cli.evaluation.scores import Scores, score
from audiotl_cli.evaluation.task import task_of


def scored(
    truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str], seed: int = 0
) -> Scores:
    """Return the scores of predictions, one label a clip."""
    task = task_of(multi_label=False)
    return score(
        task, Outcomes(labels, task.encode(truth, labels), task.encode(predicted, labels)), seed
    )


def multi_scored(
    truth: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    predicted: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    scores: FloatArray,
    labels: Sequence[str],
) -> Scores:
    """Return the scores of predictions, any number of labels a clip."""
    outcomes = Outcomes(labels, truth.astype(np.int8), predicted.astype(np.int8), scores)
    return score(task_of(multi_label=True), outcomes, seed=0)
