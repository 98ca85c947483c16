"""A model remembers what ran its network, and says so where that is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.errors import ArtifactError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors import engines
from audiotl_cli.inference.same_extractor import extractor_of_model
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import store_spec
from tests.conftest import Run


def test_the_engine_of_features_is_that_of_the_model(tmp_path: Path) -> None:
    made_from = {"hop": 1, "sample_rate": 2, "details": {"engine": "ncnn"}}
    reference = {"hop": 1, "sample_rate": 2, "details": {}}

    assert store_spec(FeatureStore.create(tmp_path, "yamnet", 3, made_from)).engine == "ncnn"
    assert store_spec(FeatureStore.create(tmp_path, "yamnet", 3, reference)).engine == ""


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "is_installed", lambda name: name != "ncnn")
    config = ExtractorConfig("yamnet", 0.48, "embedding", engine="ncnn")
    spec = ExtractorSpec(config, "0" * 12, 1024)

    with pytest.raises(ArtifactError, match=r"my\.joblib needs .* pip install 'audiotl\[fast\]'"):
        extractor_of_model(spec, Path("my.joblib"))


def test_extract_refuses_an_engine_the_network_does_not_run_in(
    run: Run, project: Path, sounds: Path
) -> None:
    run("index", sounds)

    finished = run("extract", "--extractor", "mfcc", "--engine", "ncnn")

    assert finished.code == 2
    assert "mfcc does not run in ncnn" in finished.err
