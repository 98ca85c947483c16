"""Clips with several labels, from the index to the predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.options import TrainOptions
from audiotl_cli.experiments.rounds import CrossValidation
from audiotl_cli.inference.formats.csv import CsvWriter
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.project import Project
from audiotl_cli.workflows.cross_validate import cross_validate
from audiotl_cli.workflows.evaluate import evaluate_model
from audiotl_cli.workflows.train import train_model
from tests.classifiers.problems import made_clips
from tests.experiments.stores import made_index, made_store
from tests.inference.texts import written

PROJECT = Project()
KINDS = {"ant": "ant", "bee": "big; bee", "cat": "big"}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    monkeypatch.chdir(tmp_path)
    clips, kinds = made_clips(24)
    index = made_index(tmp_path, [KINDS[kind] for kind in kinds], 24)
    made_store(tmp_path, index, [clip[0] for clip in clips])
    return index


def test_a_model_of_several_labels(index: Index) -> None:
    options = ClassifierOptions(pooling="mean", params={"C": 10.0})
    report = train_model(PROJECT, index, TrainOptions(options))
    assert report.card.multi_label
    assert list(report.card.labels) == ["ant", "bee", "big"]
    assert report.card.held_out == {"split": "test", "n_clips": 24, "accuracy": 1.0}
    found = evaluate_model(PROJECT, index, report.path)
    result = found.result
    assert result["mean_average_precision"] == 1.0
    assert (result["micro_f1"], result["macro_f1"], result["accuracy"]) == (1.0, 1.0, 1.0)
    assert result["labels"] == ["ant", "bee", "big"]
    assert result["confusion_matrix"] == [[8, 0, 0], [0, 8, 0], [0, 0, 16]]
    assert result["per_label"]["big"]["average_precision"] == 1.0
    assert {prediction["predicted"] for prediction in result["predictions"]} == {
        "ant",
        "bee;big",
        "big",
    }
    assert (found.folder / "confusion.png").exists()


@pytest.mark.parametrize("n_settings", [0, 3])
def test_cross_validation_of_several_labels(index: Index, n_settings: int) -> None:
    options = ClassifierOptions("linear-svm", scale=True)
    asked = CrossValidation("fold", options, n_settings=n_settings)
    found = cross_validate(PROJECT, index, asked)
    assert found.result["mean_average_precision"] > 0.99
    assert found.result["accuracy"] > 0.95
    assert set(found.evaluation.source.rounds) == {"0", "1", "2", "3"}


def test_a_saved_model_tells_several_labels(index: Index) -> None:
    path = train_model(PROJECT, index, TrainOptions(ClassifierOptions("svm"))).path
    classifier, _ = load_model_file(path)
    assert classifier.multi_label
    clips, kinds = made_clips(4, seed=5)
    expected = {"ant": "ant", "bee": "bee;big", "cat": "big"}
    assert classifier.predict(clips) == [expected[kind] for kind in kinds]
    assert classifier.label_of(np.array([0.1, 0.2, 0.3])) == ""
    assert classifier.label_of(np.array([0.5, 0.2, 0.7])) == "ant;big"


def test_a_model_of_one_label_refuses_clips_with_several(index: Index, tmp_path: Path) -> None:
    single = replace(index, clips=[clip for clip in index.clips if "bee" not in clip.label])
    path = train_model(PROJECT, single, TrainOptions()).path
    with pytest.raises(DataError, match="has clips with several labels"):
        evaluate_model(PROJECT, index, path)


def test_a_table_of_several_labels() -> None:
    found = Prediction("a.wav", {"b": 0.9, "a": 0.6}, labels=["b", "a"])
    text = written(CsvWriter, found, labels=["a", "b"], multi_label=True)
    assert text.splitlines() == [
        "path,label,score,labels,score:a,score:b,note,error",
        "a.wav,b,0.9,b;a,0.6,0.9,,",
    ]
    assert (
        written(CsvWriter, found, labels=["a"]).splitlines()[0]
        == "path,label,score,score:a,note,error"
    )
