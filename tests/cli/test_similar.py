from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import Run


@pytest.fixture
def extracted(project: Path, sounds: Path, run: Run) -> Path:
    run("index", sounds)
    assert run("extract", "--extractor", "mfcc", "--hop-s", 0.5).code == 0
    soundfile.write(project / "new.wav", synthesise("rain", 50), SAMPLE_RATE)
    return project


def test_a_new_recording_is_embedded_as_the_store_was(extracted: Path, run: Run) -> None:
    finished = run("similar", "new.wav", "--top-k", 3, "--json")

    assert finished.code == 0
    (answer,) = finished.json
    assert answer["path"] == "new.wav"
    assert [near["label"] for near in answer["similar"]] == ["rain"] * 3
    values = [near["similarity"] for near in answer["similar"]]
    assert values == sorted(values, reverse=True)
    assert all(Path(near["path"]).is_file() for near in answer["similar"])


def test_a_copy_is_as_similar_as_can_be_and_the_clip_itself_is_left_out(
    extracted: Path, sounds: Path, run: Run
) -> None:
    original = sounds / "drum" / "drum-03.wav"
    samples, rate = soundfile.read(original, dtype="int16")
    soundfile.write("copy.flac", samples, rate)

    copy, stored, named = run(
        "similar", "copy.flac", original, "drum/drum-03.wav", "--top-k", 2, "--json"
    ).json

    assert copy["similar"][0]["path"] == str(original)
    assert copy["similar"][0]["similarity"] == pytest.approx(1.0, abs=1e-4)
    assert stored["similar"] == named["similar"]
    assert str(original) not in [near["path"] for near in stored["similar"]]
    assert copy["similar"][1]["path"] == stored["similar"][0]["path"]


def test_a_stretch_and_what_fails(extracted: Path, run: Run) -> None:
    finished = run("similar", "new.wav:0.5-2", "missing.wav", "--format", "csv")

    assert finished.code == 1
    assert "failed missing.wav: no such file" in finished.err
    rows = list(csv.DictReader(io.StringIO(finished.out)))
    assert [row["label"] for row in rows[:3]] == ["rain"] * 3
    assert rows[-1]["query"] == "missing.wav"
    assert rows[-1]["error"] == "no such file"
    assert len(rows) == 11


def test_table_and_files(extracted: Path, run: Run) -> None:
    shown = run("similar", "new.wav", "--top-k", 2)
    run("similar", "new.wav", "--output", "near.jsonl")

    assert shown.out.splitlines()[0] == "new.wav"
    assert shown.out.count("rain-0") == 2
    assert "Features data/features/mfcc-" in shown.err
    assert len(json.loads(Path("near.jsonl").read_text())["similar"]) == 10
    assert run("similar", "new.wav", "--output", "new.wav").code == 2
    assert run("similar", "new.wav", "--output", "near.rttm").code == 2


def test_other_versions_are_not_compared(
    extracted: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiotl_cli.extractors.mfcc.MfccExtractor.version", "99", raising=False)

    finished = run("similar", "new.wav")

    assert finished.code == 5
    assert "its weights or version differ" in finished.err
