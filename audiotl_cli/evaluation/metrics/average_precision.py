"""Average precision: the area under precision over recall, whatever the threshold."""

from __future__ import annotations

import numpy as np

from audiotl_cli.evaluation.metrics.registry import label_metric, metric
from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes


@label_metric("average_precision", "average precision", order=40)
def average_precision(outcomes: Outcomes) -> FloatArray | None:
    """Return how well scores rank the clips of every label before the others."""
    from sklearn.metrics import average_precision_score

    if not outcomes.multi_label or outcomes.scores is None:
        return None
    found = np.full(len(outcomes.labels), np.nan)
    for label in np.flatnonzero(outcomes.present):
        found[label] = average_precision_score(outcomes.truth[:, label], outcomes.scores[:, label])
    return found


@metric("average_precision", "average precision", order=55)
def binary_average_precision(outcomes: Outcomes) -> float | None:
    """Return the average precision of the positive one of two labels."""
    from sklearn.metrics import average_precision_score

    if outcomes.positive is None or outcomes.scores is None or not outcomes.present.all():
        return None
    positive = outcomes.truth == outcomes.positive
    return float(average_precision_score(positive, outcomes.scores[:, outcomes.positive]))


@metric("mean_average_precision", "mean average precision", order=5)
def mean_average_precision(outcomes: Outcomes) -> float | None:
    """Return the mean of the average precision over the labels present."""
    found = average_precision(outcomes)
    return None if found is None else float(np.nanmean(found))
