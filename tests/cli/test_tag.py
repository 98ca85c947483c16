"""`audiotl tag`, and `predict --network`: the classes of a network, without training."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.cli.ready import week_of
from tests.conftest import Run, shared
from tests.extractors.bands import NAMES, bands

__all__ = ["bands"]

OWL, BLACKBIRD, HISS = NAMES
RATE = 16_000


def tone(hz: float, seconds: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


@pytest.fixture
def night(project: Path, bands: None) -> Path:
    """Return a folder: a blackbird after an owl, silence, and a file that is none."""
    folder = project / "night"
    folder.mkdir()
    soundfile.write(folder / "a.wav", np.concatenate([tone(400, 6), tone(1600, 4)]), RATE)
    soundfile.write(folder / "b silent.wav", np.zeros(3 * RATE), RATE)
    (folder / "c damaged.wav").write_bytes(b"RIFF, but no more")
    return folder


@pytest.mark.parametrize("command", ["tag", "predict"])
def test_the_classes_of_a_network_are_labels(night: Path, run: Run, command: str) -> None:
    finished = run(command, night, "--network", "bands", "--json")

    assert finished.code == 1
    heard, silent, damaged = finished.json
    assert heard["label"] == OWL
    assert heard["score"] == pytest.approx(0.6, abs=0.01)
    assert heard["scores"][BLACKBIRD] == pytest.approx(0.4, abs=0.01)
    assert heard["labels"] == [OWL, BLACKBIRD]
    assert silent["label"] is None
    assert silent["note"] == "silent"
    assert damaged["error"]["stage"]
    assert damaged["scores"] == {}
    assert "3 classes; the score of a recording is the mean of its windows of 1 s" in finished.err


def test_a_layer_may_count_by_its_highest_window(night: Path, run: Run) -> None:
    args = ("tag", night / "a.wav", "--network", "bands", "--layer", "loudest")
    finished = run(*args, "--json")

    assert finished.json[0]["scores"][BLACKBIRD] == pytest.approx(1, abs=0.01)
    assert "is the highest of its windows" in finished.err


def test_segments_say_where(night: Path, run: Run) -> None:
    finished = run("tag", night / "a.wav", "--network", "bands", "--segments", "--json")

    found = [(event["label"], event["start_s"]) for event in finished.json[0]["segments"]]
    assert [label for label, _ in found] == [OWL, BLACKBIRD]
    assert found[1][1] == pytest.approx(6, abs=1)


def test_the_threshold_decides_what_is_a_label(night: Path, run: Run) -> None:
    args = ("tag", night / "a.wav", "--network", "bands", "--threshold")

    assert run(*args, 0.5, "--json").json[0]["labels"] == [OWL]
    (none,) = run(*args, 0.9, "--json").json
    assert (none["label"], none["labels"], none["rejected"]) == (None, [], True)
    assert none["scores"][OWL] == pytest.approx(0.6, abs=0.01)
    assert f"(none of these) 0.60 nearest {OWL}" in " ".join(run(*args, 0.9).out.split())


def test_only_the_best_labels_are_written(night: Path, run: Run) -> None:
    finished = run("tag", night, "--network", "bands", "--top-k", 2, "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(finished.out)))
    assert list(rows[0]) == [
        *("path", "label", "score", "labels", "label_1", "score_1", "label_2", "score_2"),
        *("note", "error"),
    ]
    assert (rows[0]["label_1"], rows[0]["label_2"]) == (OWL, BLACKBIRD)
    assert rows[1]["note"] == "silent"
    assert rows[2]["error"]
    finished = run("tag", night / "a.wav", "--network", "bands", "--top-k", 1, "--json")
    assert list(finished.json[0]["scores"]) == [OWL]


@pytest.mark.parametrize("form", ["jsonl", "kaleidoscope", "audacity", "raven", "rttm", "json"])
def test_every_format_of_predict(night: Path, run: Run, form: str) -> None:
    args = ("tag", night / "a.wav", "--network", "bands", "--segments", "--format", form)
    each = form in ("audacity", "raven")

    finished = run(*args, *(["--output", "out"] if each else []))

    written = "".join(path.read_text() for path in Path("out").iterdir()) if each else finished.out
    assert finished.code == 0
    assert "Blackbird" in written


def test_an_output_file_is_not_made_again(night: Path, run: Run) -> None:
    args = ("tag", night / "a.wav", "--network", "bands", "--output")
    assert run(*args, "a.csv").code == 0
    assert run(*args, "a.jsonl").code == 0

    assert json.loads(Path("a.jsonl").read_text())["label"] == OWL
    assert not list(Path().glob("*.part"))


def test_interrupted_labels_of_other_options_are_not_continued(night: Path, run: Run) -> None:
    """What lies in the journal depends on the labels, so that others would be mixed."""
    args = ("tag", night, "--network", "bands", "--output", "x.csv")
    assert run(*args).code == 1
    head = {"audiotl_predictions": {"network": "bands", "labels": "sha256:0"}}
    Path("x.csv.part").write_text(json.dumps(head) + "\n")
    Path("x.csv").unlink()

    finished = run(*args)

    assert finished.code == 2
    assert "was made otherwise" in finished.err


def test_audio_and_lists_on_stdin(night: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{night / 'a.wav'}\n"))
    assert run("tag", "-", "--network", "bands", "--json").json[0]["label"] == OWL

    audio = io.TextIOWrapper(io.BytesIO((night / "a.wav").read_bytes()))
    monkeypatch.setattr(sys, "stdin", audio)
    (found,) = run("tag", "--stdin-audio", "--network", "bands", "--json").json
    assert (found["path"], found["label"]) == ("stdin", OWL)


def test_only_listed_labels_are_given(night: Path, run: Run) -> None:
    Path("wanted.txt").write_text("turdus MERULA\n\nhiss, noise\n")

    args = ("tag", night / "a.wav", "--network", "bands", "--labels", "wanted.txt")
    finished = run(*args, "--json")

    assert set(finished.json[0]["scores"]) == {BLACKBIRD, HISS}
    assert "2 of 3 labels are left by wanted.txt" in finished.err


def test_unknown_labels_are_named_with_suggestions(night: Path, run: Run) -> None:
    Path("wanted.txt").write_text("Bubo bubo\nEurasian Blackbrid\n")

    finished = run("tag", night / "a.wav", "--network", "bands", "--labels", "wanted.txt")

    assert finished.code == 3
    assert finished.out == ""
    assert "line 2: 'Eurasian Blackbrid'; did you mean Eurasian Blackbird" in finished.err


@pytest.mark.parametrize(
    ("when", "n_species", "labels"),
    [
        (["--week", "18"], 2, {OWL, BLACKBIRD}),
        (["--date", "2026-05-15"], 2, {OWL, BLACKBIRD}),
        (["--date", "2026-12-31"], 1, {OWL}),
        ([], 2, {OWL, BLACKBIRD}),
    ],
)
def test_only_species_of_a_place_and_a_week_are_given(
    night: Path, run: Run, when: list[str], n_species: int, labels: set[str]
) -> None:
    place = ("--lat", "52.5", "--lon", "13.4", *when)

    finished = run("tag", night / "a.wav", "--network", "bands", *place, "--json")

    assert set(finished.json[0]["scores"]) == labels
    assert f"{n_species} of 3 species occur at latitude 52.5, longitude 13.4" in finished.err


def test_a_place_where_nothing_lives_is_an_error(night: Path, run: Run) -> None:
    place = ("--lat", "-52.5", "--lon", "13.4")

    finished = run("tag", night / "a.wav", "--network", "bands", *place)

    assert finished.code == 3
    assert "no species is known to occur" in finished.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("tag a.wav --network bands --lat 91 --lon 0", "--lat is 91; expected -90 to 90 degrees"),
        ("tag a.wav --network bands --lat nan --lon 0", "--lat is nan"),
        ("tag a.wav --network bands --lat 9 --lon -181", "--lon is -181; expected -180 to 180"),
        ("tag a.wav --network bands --lat 9", "--lat and --lon need each other"),
        ("tag a.wav --network bands --week 3", "--week and --date need --lat and --lon"),
        ("tag a.wav --network bands --lat 9 --lon 9 --week 49", "--week is 49; expected 1 to 48"),
        ("tag a.wav --network bands --lat 9 --lon 9 --week 0", "--week is 0; expected 1 to 48"),
        ("tag a.wav --network bands --lat 9 --lon 9 --date May", "--date is 'May'; expected a day"),
        (
            "tag a.wav --network bands --lat 9 --lon 9 --date 2026-05-01 --week 3",
            "--week and --date cannot be combined",
        ),
        ("tag a.wav --network yamnet --lat 9 --lon 9", "--network birdnet or bands, not yamnet"),
        ("tag a.wav --network mfcc", "'mfcc' has no classes of its own"),
        ("tag a.wav --network bandz", "did you mean bands?"),
        ("tag a.wav --network bands --layer embedding", "choose from scores, loudest"),
        ("tag a.wav --network bands --threshold 2", "--threshold is 2; expected a score above 0"),
        ("tag --network bands", "nothing to label"),
        ("tag a.wav --stdin-audio", "cannot be combined"),
        ("predict a.wav --labels x.txt", "--labels can only be used with --network"),
        ("predict a.wav --network bands -m x", "--model and --network cannot be combined"),
    ],
)
def test_wrong_options_are_refused_before_any_work(
    project: Path, bands: None, run: Run, args: str, said: str
) -> None:
    finished = run(*args.split())

    assert finished.code == 2
    assert said in " ".join(finished.err.split())


def test_an_installed_network_comes_before_one_that_is_not(
    night: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("audiotl_cli.inference.ready.DEFAULTS", ("yamnet", "bands"))

    assert "Network bands: 3 classes" in run("tag", night / "a.wav").err


def test_yamnet_hears_rain(
    project: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = shared("weights/yamnet_dequantized.h5.gz")
    rain = sorted(shared("data/esc10").glob("*Rain/*.ogg"))[:2]
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    assert run("models", "fetch", "yamnet", "--from", weights).code == 0

    finished = run("tag", *rain, "--json")

    assert all("Rain" in found["scores"] for found in finished.json)
    assert "Network yamnet: 521 classes" in finished.err


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-01-01", 1), ("2026-05-15", 18), ("2024-12-31", 48), ("2026-12-31", 48)],
)
def test_a_day_lies_in_one_of_48_weeks(day: str, week: int) -> None:
    assert week_of(day) == week
