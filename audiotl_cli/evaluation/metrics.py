"""How often predictions are right, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiotl_cli.evaluation.intervals import IntArray, accuracy_interval


@dataclass(frozen=True)
class LabelScore:
    """How well one label is told.

    Parameters
    ----------
    precision, recall, f1 : float
        0 to 1; 0 where nothing was predicted or present.
    n_clips : int
        Clips that have the label.
    """

    precision: float
    recall: float
    f1: float
    n_clips: int


@dataclass(frozen=True)
class Scores:
    """A summary of predictions.

    Parameters
    ----------
    accuracy, balanced_accuracy, macro_f1 : float
        0 to 1. The latter two are means over the labels present.
    interval : tuple of float
        95 % interval of the accuracy; see `accuracy_interval`.
    labels : list of str
    confusion : int (n_labels, n_labels)
        True label by row, predicted by column.
    per_label : dict
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    interval: tuple[float, float]
    labels: list[str]
    confusion: IntArray
    per_label: dict[str, LabelScore]


def score(
    truth: Sequence[str],
    predicted: Sequence[str],
    labels: list[str],
    seed: int,
    units: IntArray | None = None,
    n_repeats: int = 1,
) -> Scores:
    """Compare predictions with the truth.

    Parameters
    ----------
    truth, predicted : sequence of str
        One a clip, or several in a row of as many repeats; at least one.
    labels : list of str
        Holds every label in either.
    seed : int
        Of the bootstrap.
    units : int (n_predictions,), optional
        Which of them are right or wrong together; each by itself unless given.
    n_repeats : int
        How often every clip was predicted.
    """
    confusion = confusion_matrix(truth, predicted, labels)
    right = confusion.diagonal()
    n_true, n_predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    recall = right / np.maximum(n_true, 1)
    precision = right / np.maximum(n_predicted, 1)
    f1 = 2 * right / np.maximum(n_true + n_predicted, 1)
    present = n_true > 0
    answers = np.array([true == told for true, told in zip(truth, predicted, strict=True)], float)
    if units is None:
        units = np.arange(len(answers))
    return Scores(
        accuracy=float(right.sum() / confusion.sum()),
        balanced_accuracy=float(recall[present].mean()),
        macro_f1=float(f1[present].mean()),
        interval=accuracy_interval(answers, units, seed),
        labels=labels,
        confusion=confusion,
        per_label={
            label: LabelScore(
                float(precision[i]), float(recall[i]), float(f1[i]), int(n_true[i]) // n_repeats
            )
            for i, label in enumerate(labels)
        },
    )


def confusion_matrix(
    truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]
) -> IntArray:
    """Count clips by true label (row) and predicted label (column)."""
    number = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), np.int64)
    for true, told in zip(truth, predicted, strict=True):
        counts[number[true], number[told]] += 1
    return counts
