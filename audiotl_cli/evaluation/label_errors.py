"""Labels that are likely wrong, and clips that are likely the same.

Labels are doubted by confident learning (Northcutt, Jiang and Chuang, 2021): a model that has
not seen a clip says another label, and is surer of it than it usually is for clips that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUARTILE = 0.25

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """A clip whose label may be wrong.

    Parameters
    ----------
    clip : int
        Its position.
    suggested : str
    score : float
        0 to 1, high where the label is surely wrong.
    """

    clip: int
    suggested: str
    score: float


def find_label_errors(
    truth: Sequence[str], labels: Sequence[str], scores: FloatArray
) -> list[Suspect]:
    """Return the clips whose label another one fits better, the most suspect first.

    A label's threshold is the lower quartile of the scores it has for its own clips. A clip is
    suspect if another label scores above that label's threshold, and above the clip's own.
    (Confident learning takes the mean; of clips whose label is wrong, half are told with less
    than that.)

    Parameters
    ----------
    truth : sequence of str
        One a clip.
    labels : sequence of str
        The model's, in the order of scores.
    scores : float64 (n_clips, n_labels)
        By a model that was not fitted on the clip.
    """
    number = {label: i for i, label in enumerate(labels)}
    own = np.array([number.get(label, -1) for label in truth])
    known = own >= 0
    thresholds = np.array(
        [
            np.quantile(scores[own == i, i], QUARTILE) if (own == i).any() else np.inf
            for i in range(len(labels))
        ]
    )
    self_scores = np.where(known, scores[np.arange(len(own)), own], 0.0)
    fits = scores >= thresholds
    fits[np.arange(len(own)), own] = False
    best = np.where(fits, scores, -np.inf).argmax(axis=1)
    best_scores = scores[np.arange(len(own)), best]
    suspect = known & fits.any(axis=1) & (best_scores > self_scores)
    # from 0.5, where both labels score alike, to 1
    surety = (1 + best_scores - self_scores) / 2
    found = [Suspect(int(i), labels[best[i]], float(surety[i])) for i in np.flatnonzero(suspect)]
    return sorted(found, key=lambda one: (-one.score, one.clip))
