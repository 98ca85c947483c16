"""Whether a score of 0.8 is right eight times in ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

N_BINS = 10


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
    """How well scores keep what they promise.

    Parameters
    ----------
    ece : float
        Expected calibration error: the gap between confidence and accuracy, 0 to 1, over ten
        bins of equal width, each weighed by its clips (Guo et al., 2017).
    brier : float
        Mean squared distance of the scores from the truth, over all labels, 0 to 2 (Brier,
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
    is_true = np.array([[label == one for label in labels] for one in truth])
    unknown = ~is_true.any(axis=1)
    squares = ((scores - is_true) ** 2).sum(axis=1) + unknown
    best = scores.argmax(axis=1)
    confidence = scores[np.arange(len(scores)), best]
    right = is_true[np.arange(len(scores)), best]
    number = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    bins = []
    for i in np.unique(number):
        here = number == i
        bins.append(
            Bin(
                float(i) / N_BINS,
                float(i + 1) / N_BINS,
                int(here.sum()),
                float(confidence[here].mean()),
                float(right[here].mean()),
            )
        )
    gaps = [one.n_clips * abs(one.confidence - one.accuracy) for one in bins]
    return Calibration(sum(gaps) / len(truth), float(squares.mean()), bins)
