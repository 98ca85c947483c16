"""How metrics are registered and computed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from audiotl_cli.evaluation import metrics
from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes


@dataclass(frozen=True)
class Metric:
    """A number that summarises all predictions, 0 to 1.

    Parameters
    ----------
    name : str
        The key in JSON and the row in tables.
    title : str
        What people read.
    order : int
        Lower ones come first.
    compute : callable
        Takes outcomes; returns None where there is nothing to measure.
    """

    name: str
    title: str
    order: int
    compute: Callable[[Outcomes], float | None]


@dataclass(frozen=True)
class LabelMetric:
    """A number a label, 0 to 1.

    Parameters
    ----------
    name, title, order
        As of `Metric`.
    compute : callable
        Takes outcomes; returns float64 (n_labels,), NaN where there is nothing to measure; or
        None where it is not measured at all.
    """

    name: str
    title: str
    order: int
    compute: Callable[[Outcomes], FloatArray | None]


METRICS: dict[str, Metric] = {}
LABEL_METRICS: dict[str, LabelMetric] = {}


def metric(
    name: str, title: str, *, order: int = 100
) -> Callable[[Callable[[Outcomes], float | None]], Callable[[Outcomes], float | None]]:
    """Register a function as a metric; see `Metric`."""

    def register(compute: Callable[[Outcomes], float | None]) -> Any:
        METRICS[name] = Metric(name, title, order, compute)
        return compute

    return register


def label_metric(
    name: str, title: str, *, order: int = 100
) -> Callable[[Callable[[Outcomes], FloatArray | None]], Callable[[Outcomes], FloatArray | None]]:
    """Register a function as a metric of each label; see `LabelMetric`."""

    def register(compute: Callable[[Outcomes], FloatArray | None]) -> Any:
        LABEL_METRICS[name] = LabelMetric(name, title, order, compute)
        return compute

    return register


def all_metrics() -> list[Metric]:
    """Return the metrics of all predictions, in order."""
    _import_all()
    return sorted(METRICS.values(), key=lambda metric: metric.order)


def all_label_metrics() -> list[LabelMetric]:
    """Return the metrics of each label, in order."""
    _import_all()
    return sorted(LABEL_METRICS.values(), key=lambda metric: metric.order)


def measure_all(outcomes: Outcomes) -> dict[str, float]:
    """Return every metric that has something to measure, by name."""
    found = {metric.name: metric.compute(outcomes) for metric in all_metrics()}
    return {name: float(value) for name, value in found.items() if value is not None}


def measure_labels(outcomes: Outcomes) -> dict[str, dict[str, float]]:
    """Return the metrics of every label, by label and name, and its clips as ``n_clips``."""
    columns = {
        metric.name: values.tolist()
        for metric in all_label_metrics()
        if (values := metric.compute(outcomes)) is not None
    }
    n_clips = (outcomes.by_label.n_true // outcomes.n_repeats).tolist()
    return {
        label: {
            **{name: values[row] for name, values in columns.items() if not np.isnan(values[row])},
            "n_clips": n_clips[row],
        }
        for row, label in enumerate(outcomes.labels)
    }


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(metrics.__path__):
        importlib.import_module(f"{metrics.__name__}.{module.name}")
