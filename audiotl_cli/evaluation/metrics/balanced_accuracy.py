"""Balanced accuracy: every label counts the same, however many clips it has."""

from __future__ import annotations

import numpy as np

from audiotl_cli.evaluation.metrics.registry import metric
from audiotl_cli.evaluation.outcomes import Outcomes


@metric("balanced_accuracy", "balanced accuracy", order=10)
def balanced_accuracy(outcomes: Outcomes) -> float:
    """Return the mean recall over the labels present.

    Where a clip may have several labels: the mean of recall and specificity, over the labels
    that some clips have and others do not.
    """
    recall, n_true = outcomes.by_label.recall, outcomes.by_label.n_true
    if not outcomes.multi_label:
        return float(recall[outcomes.present].mean())
    n_clips = len(outcomes.truth)
    n_neither = n_clips - np.maximum(outcomes.truth, outcomes.predicted).sum(axis=0, dtype=int)
    specificity = n_neither / np.maximum(n_clips - n_true, 1)
    both = outcomes.present & (n_true < n_clips)
    return float(((recall + specificity) / 2)[both].mean()) if both.any() else 0.0
