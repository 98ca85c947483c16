"""Whether a score of 0.8 is right eight times in ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

N_BINS = 10
ROWS = 1024  # clips looked at at a time, to save memory


@dataclass(frozen=True)
class Bin:
    """Clips whose best score lies between two bounds.

    Parameters
    ----------
    low, high : float
        The bounds; `low` belongs to the bin, and 1 to the last.
    n_clips : int
    confidence : float
        Mean of their best scores.
    accuracy : float
        How many of them are right.
    """

    low: float
    high: float
    n_clips: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far scores can be read as probabilities.

    Parameters
    ----------
    ece : float
        Expected calibration error: the gap between confidence and accuracy, 0 to 1, over ten
        bins of equal width, each weighed by its clips (Guo et al., 2017).
    brier : float
        Mean squared distance of the scores from the true labels, over all labels, 0 to 2 (Brier,
        1950).
    bins : list of Bin
        Those that hold clips.
    """

    ece: float
    brier: float
    bins: list[Bin]


def measure_calibration(
    truth: Sequence[str], labels: Sequence[str], scores: npt.NDArray[np.float64]
) -> Calibration | None:
    """Compare scores with how often they are right.

    Parameters
    ----------
    truth : sequence of str
        One a clip; a label that the model does not know is always missed.
    labels : sequence of str
        The model's, in the order of scores.
    scores : float64 (n_clips, n_labels)

    Returns
    -------
    Calibration or None
        None where scores do not look like probabilities: rows of 0 to 1 that add up to 1.
    """
    if scores.min() < -1e-6 or not np.allclose(scores.sum(axis=1), 1, atol=1e-4):
        return None
    rows = np.arange(len(scores))
    number = {label: i for i, label in enumerate(labels)}
    true = np.array([number.get(label, -1) for label in truth])
    squares = np.empty(len(scores))
    for start in range(0, len(scores), ROWS):
        part = slice(start, start + ROWS)
        known = np.flatnonzero(true[part] >= 0)
        distance = scores[part].copy()
        distance[known, true[part][known]] -= 1
        squares[part] = (distance**2).sum(axis=1) + (true[part] < 0)
    best = scores.argmax(axis=1)
    bins = _bins(scores[rows, best], best == true)
    return Calibration(_expected_error(bins), float(squares.mean()), bins)


def measure_multi_label_calibration(
    truth: npt.NDArray[np.integer[Any]], scores: npt.NDArray[np.float64], threshold: float
) -> Calibration | None:
    """Compare the scores of predicted labels with how often these are right.

    Parameters
    ----------
    truth : 0 or 1 (n_clips, n_labels)
    scores : float64 (n_clips, n_labels)
    threshold : float
        The score from which a label is predicted.

    Returns
    -------
    Calibration or None
        Its bins count predicted labels instead of clips. None where nothing is predicted, or
        scores are not from 0 to 1.
    """
    predicted = scores >= threshold
    if not predicted.any() or scores.min() < -1e-6 or scores.max() > 1 + 1e-6:
        return None
    bins = _bins(scores[predicted], truth[predicted] > 0)
    squares = ((scores - truth) ** 2).sum(axis=1)
    return Calibration(_expected_error(bins), float(squares.mean()), bins)


def _bins(confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> list[Bin]:
    number = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    bins = []
    for i in np.unique(number):
        inside = number == i
        bins.append(
            Bin(
                float(i) / N_BINS,
                float(i + 1) / N_BINS,
                int(inside.sum()),
                float(confidence[inside].mean()),
                float(right[inside].mean()),
            )
        )
    return bins


def _expected_error(bins: Sequence[Bin]) -> float:
    gaps = sum(some.n_clips * abs(some.confidence - some.accuracy) for some in bins)
    return gaps / sum(some.n_clips for some in bins)
