"""Labels that are likely wrong.

The thought is that of confident learning (Northcutt, Jiang and Chuang, 2021): a model that has
not seen a clip gives its label much less than it usually gives clips of that label, and another
label more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DOUBTFUL = 0.5

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
        `DOUBTFUL` to 1, high where the label is surely wrong.
    """

    clip: int
    suggested: str
    score: float


def find_label_errors(
    truth: Sequence[str], labels: Sequence[str], scores: FloatArray
) -> list[Suspect]:
    """Return the clips whose label another one fits better, the most suspect first.

    A label's threshold is the mean score it has for its own clips. How suspect a clip is, is how
    far its label's score stays below that threshold, from 0 (there) to 1 (no score at all).
    Listed are those at least half way down that another label scores higher for.

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
    found = []
    for label, own in number.items():
        clips = np.array([i for i, one in enumerate(truth) if one == label], dtype=int)
        if not len(clips):
            continue
        threshold = max(float(scores[clips, own].mean()), 1e-12)
        best = scores[clips].argmax(axis=1)
        doubt = 1 - scores[clips, own] / threshold
        found += [
            Suspect(int(clip), labels[other], float(value))
            for clip, other, value in zip(clips, best, doubt, strict=True)
            if other != own and value >= DOUBTFUL
        ]
    return sorted(found, key=lambda one: (-one.score, one.clip))
