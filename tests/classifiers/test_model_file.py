from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard, library_versions
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_file import dump_model, load_model_file
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.errors import ArtifactError, DataError
from audiotl_cli.extractor_config import ExtractorConfig
from tests.classifiers.problems import made_clips
from tests.classifiers.test_classifier import NAMES, QUICK

CARD = ModelCard(
    classifier="logreg",
    pooling="mean+std",
    params={"C": 0.1},
    scale=None,
    pca=None,
    seed=3,
    labels=["ant", "bee", "cat"],
    extractors=[ExtractorSpec(ExtractorConfig("mfcc", 1.0, "statistics"), "0123456789ab", 6)],
    index="x.csv",
    index_sha256="ab" * 32,
    split="train",
    n_clips=36,
    held_out={"split": "test", "n_clips": 4, "accuracy": 0.75},
    versions={"audiotl": "0"},
)


def fitted(name: str = "logreg", pooling: str = "mean+std") -> ClipClassifier:
    options = ClassifierOptions(name, pooling=pooling, seed=3, params=QUICK.get(name, {}))
    return fit_classifier(*made_clips(), options)


def save(path: Path, content: object) -> Path:
    joblib.dump(content, path, protocol=4)
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_model_file(path)
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_gives_the_same_scores(tmp_path: Path, name: str) -> None:
    model = fitted(name)
    (tmp_path / "m.joblib").write_bytes(dump_model(model, replace(CARD, classifier=name)))
    found, card = load_model_file(tmp_path / "m.joblib")
    assert card == replace(CARD, classifier=name)
    assert found.labels == ["ant", "bee", "cat"]
    assert found.pooling == "mean+std"
    clips, _ = made_clips(4, seed=9)
    np.testing.assert_array_equal(found.scores(clips), model.scores(clips))
    assert found.predict(clips) == model.predict(clips)


@pytest.mark.parametrize("name", NAMES)
def test_same_model_same_bytes(name: str) -> None:
    model = fitted(name)
    first = dump_model(model, CARD)
    assert dump_model(model, CARD) == first
    assert dump_model(fitted(name), CARD) == first
    assert dump_model(model, replace(CARD, seed=4)) != first


def test_vote_model_round_trip(tmp_path: Path) -> None:
    model = fitted("knn", "vote")
    (tmp_path / "m.joblib").write_bytes(dump_model(model, replace(CARD, pooling="vote")))
    found, _ = load_model_file(tmp_path / "m.joblib")
    clips, _ = made_clips(4, seed=9)
    np.testing.assert_array_equal(found.scores(clips), model.scores(clips))


def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; train a model with: audiotl train"):
        load_model_file(tmp_path / "no.joblib")
    with pytest.raises(DataError, match="is a folder, expected a model file"):
        load_model_file(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"hello\nworld\n", b"\x80\x05.", b"PK\x03\x04", b"x\x9c\x03", b"\x80\x04N."],
)
def test_bytes_that_are_no_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.joblib").write_bytes(content)
    assert error_of(tmp_path / "m.joblib").startswith(" is not a model saved by audiotl (")


def test_truncated_model(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    content = dump_model(fitted(), CARD)
    for n_bytes in (1, 10, len(content) // 2, len(content) - 20):
        path.write_bytes(content[:n_bytes])
        assert error_of(path).startswith(" is not a model saved by audiotl (")


def test_other_pickles_are_no_models(tmp_path: Path) -> None:
    path = tmp_path / "m.joblib"
    contents: list[object] = [
        None,
        [1, 2],
        {},
        {"format": 1},
    ]
    for content in contents:
        assert error_of(save(path, content)).startswith(" is not a model saved by audiotl (")


def test_other_format(tmp_path: Path) -> None:
    path = save(tmp_path / "m.joblib", {"format": 1, "card": {}, "parts": {}})
    assert error_of(path) == ": format 1, expected 2; train it again with: audiotl train"


def test_versions_name_what_changes_a_number() -> None:
    versions = library_versions()
    assert versions["scikit-learn"] == sklearn.__version__
    assert versions["numpy"] == np.__version__
    assert {"audiotl", "python", "tensorflow", "soundfile", "soxr"} <= versions.keys()
