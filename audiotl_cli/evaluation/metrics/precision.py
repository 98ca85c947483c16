"""Precision: how many of the clips predicted to have a label have it."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import label_metric
from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes


@label_metric("precision", "precision", order=10)
def precision(outcomes: Outcomes) -> FloatArray:
    """Return the precision of every label, 0 where it was never predicted."""
    return outcomes.by_label.precision
