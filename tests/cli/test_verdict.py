"""What the screen, JSON and the card say of useless and of useful models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import Run

COUNTS = {"hungry": 40, "tired": 12, "burping": 9}


def record(folder: Path, frequencies: dict[str, float]) -> None:
    """Write short sounds: a tone of each label's frequency in noise, noise alone for 0."""
    rng = np.random.default_rng(0)
    time = np.arange(4000) / 8000
    for label, count in COUNTS.items():
        (folder / label).mkdir(parents=True)
        for i in range(count):
            sound = rng.normal(0, 0.1, len(time))
            if frequencies[label]:
                sound += 0.3 * np.sin(2 * np.pi * frequencies[label] * time)
            with (folder / label / f"{label}-{i:02d}.wav").open("wb") as file:
                soundfile.write(file, sound, 8000, format="WAV")


def prepare(run: Run, frequencies: dict[str, float]) -> None:
    record(Path("sounds"), frequencies)
    assert run("index", "sounds", "--no-audit").code == 0
    assert run("extract", "--extractor", "mfcc").code == 0


@pytest.fixture
def alike(project: Path, run: Run) -> Path:
    """Return a project whose labels cannot be told apart, and are unbalanced."""
    prepare(run, dict.fromkeys(COUNTS, 0.0))
    return project


@pytest.fixture
def different(project: Path, run: Run) -> Path:
    """Return a project of unbalanced labels that are easily told apart."""
    prepare(run, {"hungry": 400.0, "tired": 1000.0, "burping": 2500.0})
    return project


def test_a_useless_model_is_called_useless_everywhere(alike: Path, run: Run) -> None:
    trained = run("train", "--balance", "off", "--out", "m.joblib")
    value = run("evaluate", "m.joblib", "--json", "--report", "r").json
    shown = run("evaluate", "m.joblib", "--report", "r")

    verdict = value["verdict"]
    assert next(iter(value)) == "verdict"
    assert verdict["level"] in ("no_better", "not_shown")
    assert verdict["metric"] == "balanced_accuracy"
    assert verdict["value"] == value["balanced_accuracy"]
    assert verdict["baselines"]["commonest"]["label"] == "hungry"
    assert verdict["text"].startswith("No better than always answering 'hungry' (accuracy 0.")
    for text in (trained.out, shown.out):
        assert "No better than always answering 'hungry'" in " ".join(text.split())
    assert "No better than always answering" in Path("m.md").read_text("utf-8")
    assert "No better than always answering" in Path("r/report.html").read_text("utf-8")
    assert json.loads(Path("r/report.json").read_text())["verdict"] == verdict
    assert shown.out.index("balanced accuracy") < shown.out.index("\naccuracy")


def test_a_useful_model_is_called_better(different: Path, run: Run) -> None:
    value = run("train", "--json").json
    assert value["verdict"]["level"] == "clearly_better"
    assert value["held_out"].keys() == {"split", "n_clips", "accuracy"}
    crossed = run("evaluate", "--cv", "4", "--json").json
    assert crossed["verdict"]["level"] == "clearly_better"


def test_mfcc_features_at_hand_are_a_baseline(different: Path, run: Run) -> None:
    run("train", "--classifier", "knn", "--out", "m.joblib")
    value = run("evaluate", "m.joblib", "--json").json
    assert value["verdict"]["baselines"]["mfcc"]["accuracy"] == 1
    crossed = run("evaluate", "--cv", "4", "--classifier", "knn", "--json").json
    assert crossed["verdict"]["baselines"]["mfcc"].keys() == {"accuracy", "balanced_accuracy"}


def test_models_are_compared_by_balanced_accuracy(different: Path, run: Run) -> None:
    run("train", "--out", "good.joblib")
    run("train", "--classifier", "knn", "--param", "n_neighbors=36", "--out", "poor.joblib")

    value = run("evaluate", "good.joblib", "poor.joblib", "--json").json

    found = value[2]["comparison"]
    assert found["metric"] == "balanced_accuracy"
    balanced = [one["balanced_accuracy"] for one in value[:2]]
    assert found["difference"] == pytest.approx(balanced[1] - balanced[0])
    assert value[1]["verdict"]["level"] in ("no_better", "not_shown")
