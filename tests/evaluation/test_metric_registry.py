"""A new metric is registered in one file, and appears wherever metrics do."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.evaluation.metrics.registry import (
    LABEL_METRICS,
    METRICS,
    all_label_metrics,
    all_metrics,
    label_metric,
    metric,
)
from audiotl_cli.evaluation.outcomes import FloatArray, Outcomes
from tests.conftest import Run
from tests.experiments.stores import made_index, made_store


@pytest.fixture
def toy_metrics() -> Iterator[None]:
    """Register two metrics, as a file in `audiotl_cli.evaluation.metrics` would."""

    @metric("toy", "toy metric")
    def toy(outcomes: Outcomes) -> float:
        return 0.125

    @label_metric("toy_by_label", "toy by label")
    def toy_by_label(outcomes: Outcomes) -> FloatArray:
        return np.linspace(0, 0.625, len(outcomes.labels))

    yield
    del METRICS["toy"], LABEL_METRICS["toy_by_label"]


@pytest.mark.parametrize("second", ["ant", "bee;ant"], ids=["one label", "several"])
def test_a_metric_appears_everywhere(
    toy_metrics: None, project: Path, run: Run, second: str
) -> None:
    labels = [second if i % 2 else "bee" for i in range(24)]
    index = made_index(project, labels)
    rows = np.random.default_rng(0).normal(size=(24, 1, 3)).astype(np.float32)
    made_store(project, index, list(rows))
    asked = ("evaluate", "--cv", "fold", "--classifier", "knn", "--report", "r")

    value = run(*asked, "--json").json
    shown = run(*asked).out

    assert value["toy"] == 0.125
    assert [row["toy_by_label"] for row in value["per_label"].values()] == [0.0, 0.625]
    assert json.loads(Path("r/report.json").read_text())["toy"] == 0.125
    assert "toy metric 0.125" in shown
    assert "toy by label" in shown
    with Path("r/scores.csv").open() as file:
        assert ["toy", "0.125", "", ""] in list(csv.reader(file))
    with Path("r/per_label.csv").open() as file:
        assert [row["toy_by_label"] for row in csv.DictReader(file)] == ["0.0", "0.625"]
    page = Path("r/report.html").read_text("utf-8")
    assert "<dt>toy metric</dt><dd>0.125</dd>" in page
    assert "toy by label" in page
    assert ">0.625<" in page


def test_the_metrics_of_the_package_are_found() -> None:
    names = [entry.name for entry in all_metrics()]
    assert names == [
        "accuracy", "mean_average_precision", "balanced_accuracy", "macro_f1", "micro_f1",
        "roc_auc", "average_precision", "sensitivity", "specificity",
    ]  # fmt: skip
    assert [entry.name for entry in all_label_metrics()] == [
        "precision", "recall", "f1", "average_precision"
    ]  # fmt: skip
