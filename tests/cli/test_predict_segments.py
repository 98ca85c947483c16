from __future__ import annotations

import csv
import io
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.labels import without_score
from tests.conftest import LABELS, Run

PAUSE_S = 3.0
BACKGROUND = "silence"


def quiet(seconds: float, seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(0, 1e-3, round(seconds * SAMPLE_RATE))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a folder of sounds to learn from, quiet ones among them."""
    folder = tmp_path_factory.mktemp("taught") / "sounds"
    shutil.copytree(sounds, folder)
    (folder / BACKGROUND).mkdir()
    for seed in range(8):
        soundfile.write(folder / BACKGROUND / f"{seed}.wav", quiet(3.0, seed), SAMPLE_RATE)
    return folder


@pytest.fixture
def trained(project: Path, taught: Path, run: Run) -> Path:
    run("index", taught, "--test-size", 0)
    run("extract", "--extractor", "mfcc", "--hop-s", 0.25)
    assert run("train").code == 0
    return project


def make_night(path: Path) -> list[tuple[float, float, str]]:
    """Write a recording of sounds with quiet between them; return where they are."""
    parts, spans, at = [quiet(PAUSE_S, 100)], [], PAUSE_S
    for i, label in enumerate(("rain", "chirp", "rain")):
        sound = synthesise(label, 60 + i)
        spans.append((at, at + len(sound) / SAMPLE_RATE, label))
        parts += [sound, quiet(PAUSE_S, 101 + i)]
        at += len(sound) / SAMPLE_RATE + PAUSE_S
    soundfile.write(path, np.concatenate(parts), SAMPLE_RATE)
    return spans


def test_events_are_where_the_sounds_are(trained: Path, run: Run) -> None:
    spans = make_night(trained / "night.wav")

    (prediction,) = run("predict", "night.wav", "--segments", "--json").json

    duration = soundfile.info(trained / "night.wav").duration
    assert [sorted(event) for event in prediction["segments"]] == [
        ["end_s", "label", "score", "start_s"]
    ] * len(prediction["segments"])
    for event in prediction["segments"]:
        assert 0 <= event["start_s"] < event["end_s"] <= duration + 1e-5
        assert 0.5 <= event["score"] <= 1
    for start, end, label in spans:
        overlaps = [
            min(event["end_s"], end) - max(event["start_s"], start)
            for event in prediction["segments"]
            if event["label"] == label
        ]
        assert max(overlaps) > 0.25 * (end - start)
    for event, following in pairwise(prediction["segments"]):
        assert event["end_s"] <= following["start_s"]


def test_a_table_says_when(trained: Path, run: Run) -> None:
    make_night(trained / "[red]night.wav")

    finished = run("predict", "[red]night.wav", "--segments")

    assert finished.code == 0
    assert "[red]night.wav" in finished.out
    assert "start s" in finished.out
    assert "rain" in finished.out
    assert "around every step" in finished.err


def test_nothing_is_heard_above_any_score(trained: Path, run: Run) -> None:
    make_night(trained / "night.wav")

    (prediction,) = run("predict", "night.wav", "--segments", "--threshold", 1, "--json").json

    assert prediction["segments"] == []
    shown = run("predict", "night.wav", "--segments", "--threshold", 1).out
    assert "no events" in shown


def test_files_of_every_format_hold_the_same_events(trained: Path, run: Run) -> None:
    make_night(trained / "night.wav")
    (prediction,) = run("predict", "night.wav", "--segments", "--json").json
    expected = [(e["start_s"], e["end_s"], e["label"]) for e in prediction["segments"]]
    given = ("predict", "night.wav", "--segments")

    assert run(*given, "--format", "audacity").code == 0
    assert run(*given, "--format", "raven", "--output", "tables").code == 0
    assert run(*given, "--output", "night.csv").code == 0
    rttm = run(*given, "--format", "rttm").out

    track = [x.split("\t") for x in (trained / "night.wav.labels.txt").read_text().splitlines()]
    table = (trained / "tables/night.wav.selections.txt").read_text().splitlines()
    rows = list(csv.DictReader((trained / "night.csv").read_text().splitlines()))
    selections = list(csv.DictReader(table, delimiter="\t"))
    speakers = [line.split() for line in rttm.splitlines()]
    assert [(float(a), float(b), without_score(label)) for a, b, label in track] == expected
    assert [
        (float(row["Begin Time (s)"]), float(row["End Time (s)"]), row["Label"])
        for row in selections
    ] == expected
    assert {row["High Freq (Hz)"] for row in selections} == {"11025.0"}
    assert [(float(r["start_s"]), float(r["end_s"]), r["label"]) for r in rows] == expected
    assert [(float(f[3]), f[7]) for f in speakers] == [(a, label) for a, _, label in expected]


def test_without_segments_a_recording_is_one_event(trained: Path, run: Run) -> None:
    soundfile.write(trained / "a b.wav", synthesise("rain", 50), SAMPLE_RATE)
    duration = soundfile.info(trained / "a b.wav").duration

    fields = run("predict", "a b.wav", "--format", "rttm").out.split()

    assert fields[:4] == ["SPEAKER", "a%20b.wav", "1", "0.000000"]
    assert float(fields[4]) == pytest.approx(duration, abs=1e-3)
    assert fields[7] == "rain"


def test_segments_are_rows_beside_failures(trained: Path, run: Run) -> None:
    make_night(trained / "night.wav")

    finished = run("predict", "gone.wav", "night.wav", "--segments", "--format", "csv")

    assert finished.code == 1
    failed, *rows = csv.DictReader(io.StringIO(finished.out))
    assert (failed["path"], failed["label"], failed["error"]) == ("gone.wav", "", "no such file")
    assert {row["path"] for row in rows} == {"night.wav"}
    assert {row["label"] for row in rows} <= {*LABELS, BACKGROUND}


def test_a_name_too_long_costs_itself_alone(trained: Path, run: Run) -> None:
    make_night(trained / "night.wav")

    finished = run("predict", "x" * 300 + ".wav", "night.wav", "--format", "raven", "--json")

    assert finished.code == 1
    assert [("error" in prediction) for prediction in finished.json] == [True, False]
    assert (trained / "night.wav.selections.txt").is_file()


def test_frames_may_vote(trained: Path, run: Run) -> None:
    spans = make_night(trained / "night.wav")
    assert run("train", "--pooling", "vote", "--out", "vote.joblib").code == 0

    (prediction,) = run(
        "predict", "night.wav", "--segments", "--model", "vote.joblib", "--json"
    ).json

    for start, end, label in spans:
        middle = (start + end) / 2
        heard = [e["label"] for e in prediction["segments"] if e["start_s"] <= middle <= e["end_s"]]
        assert heard == [label]


def test_names_on_stdin_may_be_parted_by_nul(
    trained: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(trained / "a\nb.wav", synthesise("rain", 50), SAMPLE_RATE)
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\nb.wav\0"))

    (prediction,) = run("predict", "-", "--json").json

    assert (prediction["path"], prediction["label"]) == ("a\nb.wav", "rain")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--threshold", "0.5"], "--threshold can only be used with --segments"),
        (["--segments", "--threshold", "0"], "expected a score above 0"),
        (["--segments", "--threshold", "nan"], "expected a score above 0"),
        (["--format", "audacity", "--output", "there.txt", "b/a.wav"], "needs a folder"),
        (["--format", "raven", "--output", "out", "b/a.wav"], "would both be written to"),
        (["--output", "a.wav", "--format", "csv"], "a.wav is an input and would be overwritten"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    project: Path, run: Run, args: list[str], message: str
) -> None:
    (project / "a.wav").touch()
    (project / "there.txt").touch()

    finished = run("predict", "a.wav", *args, "--model", "gone.joblib")

    assert finished.code == 2
    assert message in finished.err
