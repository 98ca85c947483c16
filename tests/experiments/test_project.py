"""A project need not be the current folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli import Project
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.experiments.rounds import CrossValidation
from audiotl_cli.workflows.cross_validate import cross_validate
from audiotl_cli.workflows.evaluate import evaluate_model
from audiotl_cli.workflows.train import train_model
from audiotl_cli.workflows.tune import tune_model
from tests.classifiers.problems import made_clips
from tests.experiments.stores import made_index, made_store


def test_everything_lies_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    project = Project(tmp_path / "ants")
    clips, labels = made_clips(12)
    index = made_index(project.root, labels, 12)
    made_store(project.root, index, [clip[0] for clip in clips])

    trained = train_model(project, index, TrainOptions())
    tune_model(project, index, TrainOptions(n_settings=2, out=project.models_dir / "t.joblib"))
    evaluated = evaluate_model(project, index, trained.path)
    crossed = cross_validate(project, index, CrossValidation("fold", ClassifierOptions()))

    assert trained.path.parent == project.models_dir
    assert evaluated.folder.parent == crossed.folder.parent == project.experiments_dir
    assert project.newest_index() == index.path
    assert project.newest_model().name == "t.joblib"
    assert project.open_memo().path.parent == project.features_dir
    assert list(elsewhere.iterdir()) == []


def test_an_empty_project_says_what_is_missing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with pytest.raises(DataError, match=r"there is no index in .*data/index; create one with"):
        project.newest_index()
    with pytest.raises(DataError, match=r"there is no model in .*data/models; \w+ one with"):
        project.newest_model()
