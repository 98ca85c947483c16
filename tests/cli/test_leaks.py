from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.conftest import LABELS, Run

COPY, FLAC, QUIET = "test/rain/copy.wav", "test/drum/same.flac", "test/chirp/quiet.ogg"
"""Planted: a file, its samples in another form, and it made quieter, cut and compressed."""

EXPECTED = [
    {"path": QUIET, "other": "train/chirp/chirp-01.wav", "kind": "near_duplicate"},
    {"path": FLAC, "other": "train/drum/drum-02.wav", "kind": "duplicate"},
    {"path": COPY, "other": "train/rain/rain-03.wav", "kind": "trained_on"},
]


def split_sounds(sounds: Path, folder: Path) -> None:
    for label in LABELS:
        for take, path in enumerate(sorted((sounds / label).iterdir())):
            to = folder / ("train" if take < 5 else "test") / label
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)


def plant_leaks(folder: Path) -> None:
    shutil.copy(folder / "train/rain/rain-03.wav", folder / COPY)
    same, rate = soundfile.read(folder / "train/drum/drum-02.wav", dtype="int16")
    soundfile.write(folder / FLAC, same, rate)
    sound, rate = soundfile.read(folder / "train/chirp/chirp-01.wav")
    soundfile.write(folder / QUIET, 0.4 * sound[rate // 20 :], rate)


def ready(run: Run, *args: object) -> None:
    assert run("index", "sounds", *args).code == 0
    assert run("extract", "--extractor", "mfcc", "--hop-s", "0.25").code == 0


@pytest.fixture
def leaking(project: Path, sounds: Path, run: Run) -> Path:
    """Return a project whose test split holds three clips that are in the training split."""
    split_sounds(sounds, project / "sounds")
    plant_leaks(project / "sounds")
    ready(run)
    assert run("train").code == 0
    return project


def accuracy_without(result: dict[str, Any], paths: set[str]) -> float:
    rest = [prediction for prediction in result["predictions"] if prediction["path"] not in paths]
    return float(np.mean([prediction["predicted"] == prediction["label"] for prediction in rest]))


def test_planted_leaks_are_named(leaking: Path, run: Run) -> None:
    shown = run("evaluate")

    page = next(leaking.glob("data/experiments/*/report.html"))
    result = json.loads(page.with_name("report.json").read_text())
    assert result["leaks"] == EXPECTED
    assert result["n_trained_on"] == 1
    without = accuracy_without(result, {leak["path"] for leak in EXPECTED})
    assert result["accuracy_without_leaks"] == without
    assert "2 of the 12 clips evaluated hold the sound of clips trained on" in shown.err
    assert "LEAK: 3 test clips have the same audio as a training clip" in shown.out
    assert f"  {FLAC}: duplicate of train/drum/drum-02.wav" in shown.out
    assert f"accuracy without these clips {without:.3f}" in shown.out
    assert f"{QUIET} (train/chirp/chirp-01.wav)" in page.read_text("utf-8")


def test_the_index_tells_before_and_fix_mends(leaking: Path, run: Run) -> None:
    told = run("index", "sounds", "--json").json
    ready(run, "--fix")
    run("train")

    assert set(told["problems"]["split_leak"]) >= {COPY, FLAC, QUIET}
    mended = run("evaluate", "--json")
    assert mended.json["leaks"] == []
    assert "accuracy_without_leaks" not in mended.json
    assert "hold the sound" not in mended.err


def test_the_index_trained_on_is_looked_for_beside_the_other(
    project: Path, sounds: Path, run: Run
) -> None:
    split_sounds(sounds, project / "sounds")
    ready(run, "--name", "first")
    model = run("train", "--json").json["model"]
    plant_leaks(project / "sounds")
    shutil.rmtree(project / "sounds/train")
    ready(run, "--name", "second")

    leaks = run("evaluate", model, "--index", "data/index/second.csv", "--json").json["leaks"]

    assert leaks == EXPECTED


def test_folds_leak_too(project: Path, sounds: Path, run: Run) -> None:
    split_sounds(sounds, project / "sounds")
    plant_leaks(project / "sounds")
    ready(run, "--fold-regex", "(train|test)")

    finished = run("evaluate", "--cv", "fold", "--json")

    kinds = {leak["path"]: leak["kind"] for leak in finished.json["leaks"]}
    assert kinds == {
        path: leak["kind"] for leak in EXPECTED for path in (leak["path"], leak["other"])
    }


def test_without_an_audit_the_index_may_still_tell(leaking: Path, run: Run) -> None:
    (leaking / "data/index/.audit").unlink()

    leaks = run("evaluate", "--json").json["leaks"]

    # what is known by its hash alone is told in full, the rest as the index has it
    assert {(leak["path"], leak["kind"]) for leak in leaks} == {
        (COPY, "trained_on"), (FLAC, "split_leak"), (QUIET, "split_leak")
    }  # fmt: skip
