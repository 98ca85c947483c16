"""A model remembers what ran its network, and says so where that is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.errors import ArtifactError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors import engines
from audiotl_cli.extractors.weights import install
from audiotl_cli.extractors.yamnet import WEIGHTS
from audiotl_cli.inference.same_extractor import extractor_of_model
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import store_spec
from tests.conftest import Run
from tests.extractors.test_yamnet import write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("yamnet") / "random.h5")


@pytest.fixture
def random_yamnet(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install random weights."""
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    install(WEIGHTS, weights)


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


def test_features_of_another_engine_are_pointed_out_once(
    run: Run, project: Path, sounds: Path, random_yamnet: None
) -> None:
    run("index", sounds)
    extract = ("extract", "--extractor", "yamnet", "--limit", 2)
    assert "made by" not in run(*extract, "--engine", "tensorflow").err

    (first,) = Path("data/features").glob("yamnet-*")
    shown = run(*extract).err

    assert f"{first} has such features made by tensorflow" in shown
    assert "--engine tensorflow continues the others" in shown
    assert "made by" not in run(*extract).err
    assert len(list(Path("data/features").glob("yamnet-*"))) == 2


def test_a_model_of_before_the_choice_asks_for_tensorflow(
    run: Run, project: Path, sounds: Path, random_yamnet: None
) -> None:
    run("index", sounds)
    run("extract", "--extractor", "yamnet", "--engine", "tensorflow")
    model = Path(run("train", "--json").json["model"])
    (card,) = run("model", "inspect", model, "--json").json["card"]["extractors"]
    assert card["engine"] is None
    clip = next(sounds.rglob("*.wav"))

    assert run("predict", "-m", model, clip).code == 0


@pytest.mark.parametrize("network", ["yamnet", "musicnn"])
def test_what_is_built_once_needs_no_tensorflow(
    run: Run,
    project: Path,
    sounds: Path,
    network: str,
    request: pytest.FixtureRequest,
) -> None:
    if network == "yamnet":
        request.getfixturevalue("random_yamnet")
    run("index", sounds)
    extracted = run("extract", "--extractor", network, "--limit", 1)
    if extracted.code == 4:
        pytest.skip(f"the weights of {network} cannot be had: {extracted.err}")
    script = (
        "import sys\n"
        "from audiotl_cli.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'h5py', 'sklearn', 'scipy', 'resampy', 'matplotlib'}\n"
        "    print('imported', sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    clip = str(next(sounds.rglob("*.wav")))

    def imported_by(*args: str) -> str:
        command = [sys.executable, "-c", script, *args]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stderr.splitlines()[-1]

    imported_by("extract", "--extractor", network, "--limit", "2")  # builds the network
    assert imported_by("extract", "--extractor", network) == "imported []"
    run("train")
    assert imported_by("predict", clip) == "imported []"
