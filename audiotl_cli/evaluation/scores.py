"""How good predictions are, in numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from audiotl_cli.evaluation.intervals import accuracy_interval, number_units
from audiotl_cli.evaluation.metrics.registry import measure_all, measure_labels
from audiotl_cli.evaluation.outcomes import FloatArray, IntArray, Outcomes
from audiotl_cli.evaluation.ranking import ranking_interval
from audiotl_cli.evaluation.task import Task
from audiotl_cli.labels import clip_weights


@dataclass(frozen=True)
class Scores:
    """A summary of predictions.

    Parameters
    ----------
    metrics : dict
        Every metric by its name; see `audiotl_cli.evaluation.metrics`.
    interval : tuple of float
        95 % interval of the accuracy; see `accuracy_interval`.
    interval_over : str
        ``clips``, or ``groups`` where clips of one group are drawn together.
    labels : sequence of str
    confusion : int (n_labels, n_labels)
        True label by row, predicted by column.
    per_label : dict
        By label: every label's metrics by their names, and ``n_clips``.
    repeats : list of float
        The accuracy of every repeat, where there are several.
    leading : str
        The metric that counts: ``accuracy``; ``balanced_accuracy`` where labels are unbalanced;
        ``mean_average_precision`` where a clip may have several.
    leading_interval : tuple of float or None
        Its 95 % interval; None where it is `interval`.
    """

    metrics: dict[str, float]
    interval: tuple[float, float]
    interval_over: str
    labels: Sequence[str]
    confusion: IntArray
    per_label: dict[str, dict[str, float]]
    repeats: list[float] = field(default_factory=list)
    leading: str = "accuracy"
    leading_interval: tuple[float, float] | None = None

    @property
    def lead(self) -> tuple[float, tuple[float, float]]:
        """The metric that counts, and its interval."""
        return self.metrics[self.leading], self.leading_interval or self.interval

    def most_confused(self, n: int) -> IntArray:
        """Return the positions of at most `n` labels, those with the most errors, in order."""
        if len(self.labels) <= n:
            return np.arange(len(self.labels))
        errors = self.confusion.copy()
        np.fill_diagonal(errors, 0)
        n_errors = errors.sum(axis=0) + errors.sum(axis=1)
        return np.sort(np.argsort(-n_errors, kind="stable")[:n])

    def confused_with(self, row: int) -> tuple[str, int] | None:
        """Return the label that clips of another are most often confused with, and how often."""
        wrong = self.confusion[row].copy()
        wrong[row] = 0
        most = int(wrong.argmax())
        return (self.labels[most], int(wrong[most])) if wrong[most] else None

    def lowest(self, n: int) -> list[str]:
        """Return at most `n` labels, those of the lowest F1, in order."""
        if len(self.labels) <= n:
            return list(self.labels)
        present = [label for label in self.labels if self.per_label[label]["n_clips"]]
        lowest = set(sorted(present, key=lambda label: self.per_label[label]["f1"])[:n])
        return [label for label in self.labels if label in lowest]

    @property
    def accuracy(self) -> float:
        """The share of clips whose labels are all predicted, and no other."""
        return self.metrics["accuracy"]


def score(
    task: Task, outcomes: Outcomes, seed: int, units: Sequence[Hashable] | None = None
) -> Scores:
    """Compare predictions with the true labels.

    Parameters
    ----------
    task : Task
    outcomes : Outcomes
        Of at least one clip.
    seed : int
        Of the bootstrap.
    units : sequence of hashable (n_clips,), optional
        What is right or wrong together; every clip by itself unless given.
    """
    n_repeats = outcomes.n_repeats
    n_clips = len(outcomes.truth) // n_repeats
    numbers = number_units(range(n_clips) if units is None else units)
    right = outcomes.right.astype(np.float64)
    by_repeat = right.reshape(n_repeats, n_clips).mean(axis=1)
    tiled = np.tile(numbers, n_repeats)
    metrics = measure_all(outcomes)
    return Scores(
        metrics=metrics,
        interval=accuracy_interval(right, tiled, seed),
        interval_over="clips" if int(numbers.max()) + 1 == n_clips else "groups",
        labels=outcomes.labels,
        confusion=task.confusion(outcomes),
        per_label=measure_labels(outcomes),
        repeats=by_repeat.tolist() if n_repeats > 1 else [],
        **_leading(outcomes, metrics, right, tiled, seed),
    )


def weights_of(outcomes: Outcomes) -> FloatArray:
    """Return what every prediction counts; see `clip_weights`."""
    if outcomes.multi_label:
        return np.ones(len(outcomes.truth))
    return np.array(clip_weights(outcomes.truth.tolist()))


def _leading(
    outcomes: Outcomes, metrics: dict[str, float], right: FloatArray, units: IntArray, seed: int
) -> dict[str, Any]:
    """Return the metric that counts, and its interval."""
    if "mean_average_precision" in metrics:
        name = "mean_average_precision"
        interval = ranking_interval(outcomes, metrics[name], units, seed)
        return {"leading": name, "leading_interval": interval}
    weights = weights_of(outcomes)
    if (weights == 1).all():
        return {}
    interval = accuracy_interval(right, units, seed, weights)
    return {"leading": "balanced_accuracy", "leading_interval": interval}
