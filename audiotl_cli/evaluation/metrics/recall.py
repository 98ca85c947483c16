"""Recall: how many of the clips of a label were predicted to have it."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import label_metric
from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes


@label_metric("recall", "recall", order=20)
def recall(outcomes: Outcomes) -> FloatArray:
    """Return the recall of every label, 0 where no clip has it."""
    return outcomes.by_label.recall
