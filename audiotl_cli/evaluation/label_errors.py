"""Labels that are likely wrong.

The idea is that of confident learning (Northcutt, Jiang and Chuang, 2021): a model that has
not seen a clip gives its label much less than it usually gives clips of that label, and another
label more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
    true = np.array([number.get(label, -1) for label in truth])
    clips = np.flatnonzero(true >= 0)
    own = true[clips]
    of_own = scores[clips, own]
    usual = np.ones(len(labels))
    for clips_of_label in _positions(own):
        usual[own[clips_of_label[0]]] = of_own[clips_of_label].mean()
    doubt = 1 - of_own / np.maximum(usual, 1e-12)[own]
    best = scores.argmax(axis=1)[clips]
    suspect = np.flatnonzero((best != own) & (doubt >= DOUBTFUL))
    return _sorted(
        Suspect(int(clips[i]), labels[best[i]], float(doubt[i])) for i in suspect.tolist()
    )


def find_multi_label_errors(
    truth: npt.NDArray[np.integer[Any]], scores: FloatArray, suggested: Sequence[str]
) -> list[Suspect]:
    """Return the clips whose labels another set of labels fits better, the most suspect first.

    As `find_label_errors`, label by label: a label that a clip has is suspect where its score
    is at most half of what clips of that label usually get, and was not predicted. A label that
    a clip lacks is suspect where its score is at least what clips of that label usually get.
    A clip is as suspect as its most suspect label.

    Parameters
    ----------
    truth : 0 or 1 (n_clips, n_labels)
    scores : float64 (n_clips, n_labels)
        0 to 1, by a model that was not fitted on the clip.
    suggested : sequence of str
        What the model predicts for every clip.
    """
    has = truth > 0
    n_clips = has.sum(axis=0)
    usual = np.einsum("ij,ij->j", scores, has) / np.maximum(n_clips, 1)
    doubt = np.where(has, 1 - scores / np.maximum(usual, 1e-12), 0.0)
    doubt[has & (scores >= DOUBTFUL)] = 0.0
    missing = ~has & (scores >= np.maximum(usual, DOUBTFUL)) & (n_clips > 0)
    doubt[missing] = scores[missing]
    worst = doubt.max(axis=1)
    suspect = np.flatnonzero(worst >= DOUBTFUL)
    return _sorted(Suspect(int(i), suggested[i], float(worst[i])) for i in suspect.tolist())


def _positions(numbers: npt.NDArray[np.integer[Any]]) -> list[npt.NDArray[np.integer[Any]]]:
    """Return the positions of every number that occurs."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []


def _sorted(found: Iterable[Suspect]) -> list[Suspect]:
    return sorted(found, key=lambda suspect: (-suspect.score, suspect.clip))
