"""How well clips are told that may have several labels each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.evaluation.intervals import FloatArray, IntArray, accuracy_interval
from audiotl_cli.evaluation.metrics import LabelScore, Scores

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SeveralScores(Scores):
    """A summary of predictions, any number of labels a clip.

    `accuracy` is the share of clips whose labels are all told, and no other. `confusion` has in
    its diagonal how many clips were rightly told to have a label; beside it, how many of the
    clips with the row's label were wrongly told to have the column's.

    Parameters
    ----------
    micro_f1 : float
        Of all pairs of clip and label together.
    mean_average_precision : float
        Mean over the labels present of the area under precision and recall, as scores rank
        clips, whatever the threshold.
    average_precision : dict
        Of each label present.
    """

    micro_f1: float
    mean_average_precision: float
    average_precision: dict[str, float]


def score_several(
    truth: BoolArray,
    predicted: BoolArray,
    scores: FloatArray,
    labels: Sequence[str],
    units: IntArray,
    seed: int,
) -> SeveralScores:
    """Compare predictions with the truth.

    Parameters
    ----------
    truth, predicted : bool (n_clips, n_labels)
    scores : float64 (n_clips, n_labels)
    labels : sequence of str
    units : int (n_clips,)
        What clips stand and fall with; see `number_units`.
    seed : int
        Of the bootstrap.
    """
    hits = (truth & predicted).sum(axis=0)
    n_true, n_predicted, n_clips = truth.sum(axis=0), predicted.sum(axis=0), len(truth)
    precision = hits / np.maximum(n_predicted, 1)
    recall = hits / np.maximum(n_true, 1)
    f1 = 2 * hits / np.maximum(n_true + n_predicted, 1)
    silent = (~truth & ~predicted).sum(axis=0) / np.maximum(n_clips - n_true, 1)
    present = n_true > 0
    both = present & (n_true < n_clips)  # else there is nothing to tell apart
    balanced = ((recall + silent) / 2)[both]
    right = (truth == predicted).all(axis=1)
    confusion = truth.astype(np.int64).T @ (predicted & ~truth)
    np.fill_diagonal(confusion, hits)
    ranked = {
        label: average_precision(truth[:, i], scores[:, i])
        for i, label in enumerate(labels)
        if present[i]
    }
    return SeveralScores(
        accuracy=float(right.mean()),
        balanced_accuracy=float(balanced.mean()) if len(balanced) else 0.0,
        macro_f1=float(f1[present].mean()),
        interval=accuracy_interval(right.astype(np.float64), units, seed),
        labels=list(labels),
        confusion=confusion,
        per_label={
            label: LabelScore(float(precision[i]), float(recall[i]), float(f1[i]), int(n_true[i]))
            for i, label in enumerate(labels)
        },
        micro_f1=float(2 * hits.sum() / max(n_true.sum() + n_predicted.sum(), 1)),
        mean_average_precision=float(np.mean(list(ranked.values()))),
        average_precision=ranked,
    )


def average_precision(truth: BoolArray, scores: FloatArray) -> float:
    """Return the mean, over steps of recall, of the precision there; equals are one step.

    Parameters
    ----------
    truth : bool (n_clips,), some of them true
    scores : float64 (n_clips,)
    """
    _, rank = np.unique(-scores, return_inverse=True)
    n_new = np.bincount(rank)
    hits = np.bincount(rank, truth.astype(np.float64))
    precision = hits.cumsum() / n_new.cumsum()
    return float((precision * hits).sum() / hits.sum())
