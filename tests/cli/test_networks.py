"""Networks whose weights are brought by hand, from the command line, end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.extractors.vggish import WEIGHTS
from tests.conftest import Run, shared


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUDIOTL_CACHE", str(folder))
    return folder


@pytest.fixture
def indexed(project: Path, empty_cache: Path, run: Run) -> Path:
    """Return a project with an index of four recordings each of two labels."""
    for label in ("drum", "rain"):
        (project / "sounds" / label).mkdir(parents=True)
        for take in range(4):
            path = project / "sounds" / label / f"{take}.wav"
            soundfile.write(path, synthesise(label, take), SAMPLE_RATE)
    assert run("index", "sounds").code == 0
    return project


@pytest.mark.parametrize("network", ["forbidden", "none"])
def test_vggish_without_weights_says_what_to_do(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    if network == "forbidden":
        monkeypatch.setenv("AUDIOTL_OFFLINE", "1")
    else:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
        monkeypatch.setenv("NO_PROXY", "")

    finished = run("extract", "--extractor", "vggish")

    assert finished.code == 4
    assert finished.out == ""
    assert WEIGHTS.url in finished.err
    assert "md5:d1c7011e6366aa34176bb05c705e31a8" in finished.err
    assert "audiotl models fetch vggish --from FILE" in finished.err
    assert ("AUDIOTL_OFFLINE" in finished.err) is (network == "forbidden")
    assert not list((indexed / "data/features").glob("vggish*"))


def test_every_report_says_that_weights_are_not_the_published(
    indexed: Path, seeded_checkpoint: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")
    warning = "the weights of vggish are not the published ones: seeded.ckpt"
    fetched = run("models", "fetch", "vggish", "--from", seeded_checkpoint)
    assert fetched.code == 0
    assert "not the published ones (seeded.ckpt)" in fetched.out

    extracted = run("extract", "--extractor", "vggish", "--batch-size", 4)
    assert extracted.code == 0, extracted.err
    assert warning in extracted.out
    again = run("extract", "--extractor", "vggish", "--json").json
    assert (again["n_skipped"], again["weights"]) == (8, "unverified:seeded.ckpt")

    assert warning in run("store", "info").out
    (info,) = run("store", "info", "--json").json
    assert info["weights"] == "unverified:seeded.ckpt"
    assert len(info["made_from"]["weights_sha256"]) == len("sha256:") + 64

    assert warning in run("train").out
    assert run("train", "--json").json["weights"] == ["unverified:seeded.ckpt"]

    evaluated = run("evaluate")
    assert warning in evaluated.out
    (report,) = Path("data/experiments").glob("*/report.json")
    assert json.loads(report.read_text())["warnings"] == [warning]
    folds = run("evaluate", "--cv", "2", "--json").json
    assert folds["warnings"] == [warning]
    assert folds["extractors"][0]["weights"] == "unverified:seeded.ckpt"

    predicted = run("predict", "sounds/rain/0.wav", "--json")
    assert warning in predicted.err
    assert len(predicted.json) == 1

    verified = run("models", "verify", "vggish", "--json")
    assert verified.code == 3
    digest, *_, quantised = verified.json["networks"][0]["checks"]
    assert (digest["expected"], digest["passed"]) == ("d1c7011e6366", False)
    assert (quantised["passed"], quantised["missing"]) == (None, True)


def test_published_features_carry_no_warning(indexed: Path, run: Run) -> None:
    extracted = run("extract", "--extractor", "mfcc", "--json").json
    assert extracted["weights"] == "none"
    texts = [run("extract", "--extractor", "mfcc").out, run("train").out, run("evaluate").out]
    texts.append(run("store", "info").out)
    assert not any("not the published" in text for text in texts)
    assert run("evaluate", "--json").json["warnings"] == []


def test_yamnet_end_to_end(indexed: Path, run: Run) -> None:
    weights = shared("weights/yamnet_dequantized.h5.gz")
    assert run("models", "fetch", "yamnet", "--from", weights).code == 0

    extracted = run("extract", "--extractor", "yamnet", "--json").json

    assert extracted["n_added"] == 8
    assert extracted["weights"] == "unverified:yamnet_dequantized.h5.gz"
    assert run("train").code == 0
    (prediction,) = run("predict", "sounds/drum/0.wav", "--json").json
    assert prediction["label"] == "drum"
