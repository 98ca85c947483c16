"""Training says when the default classifier would do better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli import Project
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.workflows.train import train_model
from tests.experiments.stores import made_index, made_store


@pytest.fixture
def loud_noise(tmp_path: Path) -> tuple[Project, Index]:
    """Return clips whose labels only show where features are scaled."""
    rng = np.random.default_rng(0)
    labels = [f"{i % 3}" for i in range(60)]
    index = made_index(tmp_path, labels)
    noise = rng.normal(0, 100, (60, 3, 2))
    says = np.array([int(label) for label in labels])[:, None, None] + rng.normal(
        0, 0.1, (60, 3, 2)
    )
    frames = np.concatenate([noise, says], axis=2).astype(np.float32)
    made_store(tmp_path, index, list(frames))
    return Project(tmp_path), index


def advice(project: Project, index: Index, **options: Any) -> str:
    chosen = ClassifierOptions(**options)
    return train_model(project, index, TrainOptions(classifier=chosen)).advice


def test_a_default_that_is_better_is_named(loud_noise: tuple[Project, Index]) -> None:
    said = advice(*loud_noise, classifier="SVM")

    assert said.startswith("logreg, the default, scores 0.9")
    assert "-fold cross-validation on these clips where svm scores 0." in said
    assert said == advice(*loud_noise, classifier="svm")


@pytest.mark.parametrize(
    "options", [{}, {"classifier": "svm", "scale": True}, {"classifier": "svm", "pooling": "vote"}]
)
def test_nothing_is_said_otherwise(
    loud_noise: tuple[Project, Index], options: dict[str, Any]
) -> None:
    assert advice(*loud_noise, **options) == ""
