"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from audiotl_cli.evaluation.metrics.registry import label_metric, metric
from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes


@metric("macro_f1", "macro F1", order=20)
def macro_f1(outcomes: Outcomes) -> float:
    """Return the mean F1 over the labels present."""
    return float(outcomes.by_label.f1[outcomes.present].mean())


@metric("micro_f1", "micro F1", order=30)
def micro_f1(outcomes: Outcomes) -> float | None:
    """Return the F1 of all pairs of clip and label; of one label a clip, that is the accuracy."""
    from sklearn.metrics import f1_score

    if not outcomes.multi_label:
        return None
    return float(f1_score(outcomes.truth, outcomes.predicted, average="micro", zero_division=0))


@label_metric("f1", "F1", order=30)
def f1(outcomes: Outcomes) -> FloatArray:
    """Return the F1 of every label."""
    return outcomes.by_label.f1
