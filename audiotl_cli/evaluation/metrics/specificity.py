"""Specificity: the share of other clips that are not called positive."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import metric
from audiotl_cli.evaluation.outcomes import Outcomes


@metric("specificity", "specificity", order=70)
def specificity(outcomes: Outcomes) -> float | None:
    """Return the recall of the negative one of two labels."""
    if outcomes.positive is None or not outcomes.present.all():
        return None
    return float(outcomes.by_label.recall[1 - outcomes.positive])
