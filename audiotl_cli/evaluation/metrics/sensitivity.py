"""Sensitivity: the share of the positive label's clips that are found."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import metric
from audiotl_cli.evaluation.outcomes import Outcomes


@metric("sensitivity", "sensitivity", order=60)
def sensitivity(outcomes: Outcomes) -> float | None:
    """Return the recall of the positive one of two labels."""
    if outcomes.positive is None or not outcomes.present.all():
        return None
    return float(outcomes.by_label.recall[outcomes.positive])
