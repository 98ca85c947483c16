"""How often predictions are right, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

N_RESAMPLES = 10_000


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
        95 % interval of the accuracy, over clips; see `accuracy_interval`.
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


def score(truth: Sequence[str], predicted: Sequence[str], labels: list[str], seed: int) -> Scores:
    """Compare predictions with the truth.

    Parameters
    ----------
    truth, predicted : sequence of str
        One a clip, at least one.
    labels : list of str
        Holds every label in either.
    seed : int
        Of the bootstrap.
    """
    confusion = confusion_matrix(truth, predicted, labels)
    right = confusion.diagonal()
    n_true, n_predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    recall = right / np.maximum(n_true, 1)
    precision = right / np.maximum(n_predicted, 1)
    f1 = 2 * right / np.maximum(n_true + n_predicted, 1)
    present = n_true > 0
    return Scores(
        accuracy=float(right.sum() / confusion.sum()),
        balanced_accuracy=float(recall[present].mean()),
        macro_f1=float(f1[present].mean()),
        interval=accuracy_interval(int(right.sum()), int(confusion.sum()), seed),
        labels=labels,
        confusion=confusion,
        per_label={
            label: LabelScore(float(precision[i]), float(recall[i]), float(f1[i]), int(n_true[i]))
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


def accuracy_interval(n_right: int, n_clips: int, seed: int) -> tuple[float, float]:
    """Return a 95 % interval of an accuracy.

    It is the percentile interval over resampled clips. Drawing `n_clips` clips with
    replacement and counting the right ones is a binomial draw, so that is what is drawn
    (Efron, 1979). Where all clips are right, or none, every draw is the same and says
    nothing; there it is the exact binomial interval (Clopper and Pearson, 1934), which ends
    ``0.025 ** (1 / n_clips)`` from the far end.
    """
    if n_right in (0, n_clips):
        limit = 0.025 ** (1 / n_clips)
        return (0.0, 1 - limit) if n_right == 0 else (limit, 1.0)
    rng = np.random.default_rng(seed)
    drawn = rng.binomial(n_clips, n_right / n_clips, N_RESAMPLES) / n_clips
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)
