from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import Run

EVENTS = (
    ("N_20240501_203000.wav", 60.0, "owl", 0.9),
    ("N_20240501_203000.wav", 3000.0, "owl", 0.8),
    ("S_20240501_203000.wav", 60.0, "owl", 0.7),
    ("S_20240501_203000.wav", 60.0, "fox", 0.4),
)


@pytest.fixture
def night(project: Path) -> Path:
    """Write recordings of one hour at two sites, one of them without events, and events."""
    (project / "night").mkdir()
    for name in ("N_20240501_203000", "S_20240501_203000", "S_20240502_013000"):
        soundfile.write(project / "night" / f"{name}.wav", np.zeros(3_600_000, np.int16), 1000)
    lines = [
        f"night/{path},{start},{start + 1},{label},{score},,"
        for path, start, label, score in EVENTS
    ]
    header = "path,start_s,end_s,label,score,note,error"
    (project / "events.csv").write_text("\n".join([header, *lines]) + "\n")
    return project


def counts(records: list[dict[str, object]], *keys: str) -> list[tuple[object, ...]]:
    return [tuple(record[key] for key in keys) for record in records]


def test_counts_by_hour_night_and_site(night: Path, run: Run) -> None:
    finished = run("summary", "events.csv", "--recordings", "night", "--json")

    assert finished.code == 0, finished.err
    value = finished.json
    assert (value["n_detections"], value["n_recordings"], value["hours"]) == (4, 3, 3.0)
    assert value["sites"] == ["N", "S"]
    assert value["sites_from"] == "names"
    assert value["times_from"] == {"name": 3}
    assert value["zone"] == "zone not stated"
    assert value["warnings"] == []
    assert counts(value["by_label"], "label", "n", "hours", "per_hour") == [
        ("fox", 1, 3.0, 0.3333),
        ("owl", 3, 3.0, 1.0),
    ]
    owls = [record for record in value["by_hour"] if record["label"] == "owl"]
    assert counts(owls, "hour", "n", "hours") == [
        (1, 0, 0.5), (2, 0, 0.5), (20, 2, 1.0), (21, 1, 1.0)
    ]  # fmt: skip
    assert counts(value["by_night"], "night", "label", "n", "hours") == [
        ("2024-05-01", "fox", 1, 3.0),
        ("2024-05-01", "owl", 3, 3.0),
    ]
    owls = [record for record in value["by_site"] if record["label"] == "owl"]
    assert counts(owls, "site", "n", "hours") == [("N", 2, 1.0), ("S", 1, 2.0)]


def test_recordings_that_no_table_names_are_missed(night: Path, run: Run) -> None:
    value = run("summary", "events.csv", "--json").json

    assert value["hours"] == 2.0
    assert "name all that were searched with --recordings" in value["warnings"][0]


def test_zones(night: Path, run: Run) -> None:
    options = ("--zone", "Europe/Berlin", "--recorder-zone", "UTC")
    value = run("summary", "events.csv", "--recordings", "night", *options, "--json").json

    assert value["zone"] == "Europe/Berlin"
    hours = [record["hour"] for record in value["by_hour"] if record["label"] == "owl"]
    assert hours == [3, 4, 22, 23]


def test_one_site_that_is_two(night: Path, run: Run) -> None:
    value = run("summary", "events.csv", "--site-regex", "(night)/", "--json").json
    assert value["sites"] == ["night"]
    assert any("recordings of one site that overlap" in text for text in value["warnings"])
    value = run("summary", "events.csv", "--site-regex", "/([NS])_", "--json").json
    assert (value["sites"], value["sites_from"]) == (["N", "S"], "--site-regex")


def test_what_is_not_counted_is_said(night: Path, run: Run) -> None:
    (night / "again.csv").write_bytes((night / "events.csv").read_bytes())
    finished = run(
        "summary", "events.csv", "again.csv", "--recordings", "night", "--min-score", 0.5
    )

    assert finished.code == 0
    assert "3 detections in 3.00 hours of 3 recordings" in finished.out
    assert "Left out: 4 detections: repeats another detection" in finished.out
    assert "Left out: 1 detection: below --min-score 0.5" in finished.out
    assert "zone not stated" in finished.out


def test_recordings_that_are_gone_have_no_known_hours(night: Path, run: Run) -> None:
    (night / "night" / "S_20240501_203000.wav").unlink()

    value = run("summary", "events.csv", "--recordings", "night", "--json").json

    assert value["hours"] is None
    assert "1 recording without a known length" in value["warnings"][0]
    owls = [record for record in value["by_site"] if record["label"] == "owl"]
    assert counts(owls, "site", "n", "per_hour") == [("N", 2, 2.0), ("S", 1, None)]


def test_a_report(night: Path, run: Run) -> None:
    lines = [f"night/N_20240501_203000.wav,{n},{n + 1},owl,0.9,," for n in range(10, 40)]
    with (night / "events.csv").open("a") as file:
        file.write("\n".join(lines) + "\n")
    verdicts = [f"night/N_20240501_203000.wav,{n},{n + 1},owl,right" for n in range(10, 20)]
    (night / "v.csv").write_text("path,start_s,end_s,label,verdict\n" + "\n".join(verdicts) + "\n")
    command = ("summary", "events.csv", "--recordings", "night", "--verdicts", "v.csv")

    finished = run(*command, "--report", "report")

    assert finished.code == 0, finished.err
    assert "10 of 10" in finished.out
    report = night / "report"
    with (report / "by_label.csv").open() as file:
        fox, owl = csv.DictReader(file)
    assert (fox["n"], fox["estimate"]) == ("1", "")
    assert (owl["n"], owl["n_right"], owl["estimate"]) == ("33", "10", "33.0")
    assert 20 < float(owl["estimate_low"]) < float(owl["estimate_high"]) == 33
    with (report / "recordings.csv").open() as file:
        assert next(csv.DictReader(file))["time"] == "2024-05-01T20:30:00"
    page = (report / "summary.html").read_text()
    assert "34 detections in 3.0 hours recorded" in page
    assert "data:image/png;base64," in page
    before = {path.name: path.read_bytes() for path in report.iterdir()}
    assert run(*command, "--report", "report").code == 0
    assert before == {path.name: path.read_bytes() for path in report.iterdir()}


def test_names_are_no_markup(night: Path, run: Run) -> None:
    text = (night / "events.csv").read_text()
    (night / "events.csv").write_text(text.replace(",owl,", ",<b>$x\x1b[2J,"))

    finished = run("summary", "events.csv", "--report", "report")

    assert finished.code == 0, finished.err
    assert "\x1b" not in finished.out
    page = (night / "report" / "summary.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--site-regex x", 2, "has no group"),
        ("--site-regex (", 2, "is not valid"),
        ("--site-regex (x)q", 2, "fits none of 2 recordings"),
        ("--zone Nowhere", 2, "--zone is 'Nowhere', expected UTC"),
        ("--recorder-zone +99:00", 2, "--recorder-zone is '+99:00'"),
        ("--min-score nan", 2, "--min-score is nan"),
        ("--recordings none", 2, "--recordings none does not exist"),
        ("--verdicts events.csv", 3, "expected verdict"),
        ("none.csv", 3, "none.csv cannot be read"),
        ("--report events.csv", 2, "events.csv"),
    ],
)
def test_wrong_options(night: Path, run: Run, options: str, code: int, message: str) -> None:
    finished = run("summary", "events.csv", *options.split())

    assert finished.code == code, finished.err
    assert message in " ".join(finished.err.split())
    assert "Traceback" not in finished.err


def test_events_of_predict_are_read(
    mfcc_model: Path, sounds: Path, project: Path, run: Run
) -> None:
    for form in ("csv", "jsonl", "json", "rttm", "kaleidoscope.csv"):
        predicted = run(
            "predict", sounds, "-m", mfcc_model, "--segments", "--output", f"events.{form}"
        )
        assert predicted.code == 0, predicted.err
        value = run("summary", f"events.{form}", "--recordings", sounds, "--json").json
        assert value["n_detections"] > 0
        assert value["n_recordings"] == len(list(sounds.rglob("*.wav")))
        assert value["times_from"] == {"modification time": value["n_recordings"]}
