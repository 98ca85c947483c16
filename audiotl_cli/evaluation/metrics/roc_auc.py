"""Area under the ROC curve: how often a clip of the positive label scores above another."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import metric
from audiotl_cli.evaluation.outcomes import Outcomes


@metric("roc_auc", "ROC AUC", order=50)
def roc_auc(outcomes: Outcomes) -> float | None:
    """Return the area under the ROC curve of two labels; 0.5 is chance."""
    from sklearn.metrics import roc_auc_score

    if outcomes.positive is None or outcomes.scores is None or not outcomes.present.all():
        return None
    positive = outcomes.truth == outcomes.positive
    return float(roc_auc_score(positive, outcomes.scores[:, outcomes.positive]))
