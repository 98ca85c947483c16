"""Accuracy: the share of clips whose labels are all predicted, and no other."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import metric
from audiotl_cli.evaluation.outcomes import Outcomes


@metric("accuracy", "accuracy", order=0)
def accuracy(outcomes: Outcomes) -> float:
    """Return the accuracy (subset accuracy where a clip may have several labels)."""
    return float(outcomes.right.mean())
