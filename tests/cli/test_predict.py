from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import LABELS, Run


@pytest.fixture
def trained(project: Path, sounds: Path, run: Run) -> Path:
    run("index", sounds)
    run("extract", "--extractor", "mfcc")
    assert run("train").code == 0
    soundfile.write(project / "new.wav", synthesise("rain", 50), SAMPLE_RATE)
    soundfile.write(project / "new.mp3", synthesise("chirp", 50), SAMPLE_RATE)
    return project


def test_one_file_of_each_format_in_a_table(trained: Path, run: Run) -> None:
    finished = run("predict", "new.wav", "new.mp3")

    assert finished.code == 0
    rows = [line.split() for line in finished.out.splitlines() if "new." in line]
    assert [(row[0], row[-1]) for row in rows] == [("rain", "new.wav"), ("chirp", "new.mp3")]
    assert "Model data/models/" in finished.err


def test_json_gives_every_score(trained: Path, run: Run) -> None:
    (prediction,) = run("predict", "new.wav", "--json").json

    assert prediction["path"] == "new.wav"
    assert prediction["label"] == "rain"
    assert sorted(prediction["scores"]) == list(LABELS)
    assert prediction["score"] == max(prediction["scores"].values())
    assert sum(prediction["scores"].values()) == pytest.approx(1, abs=1e-5)


def test_top_k_limits_the_scores(trained: Path, run: Run) -> None:
    (prediction,) = run("predict", "new.wav", "--json", "--top-k", 2).json

    assert len(prediction["scores"]) == 2


def test_a_folder_is_searched(trained: Path, sounds: Path, run: Run) -> None:
    value = run("predict", sounds / "drum", "--json").json

    assert len(value) == 8
    assert sum(prediction["label"] == "drum" for prediction in value) >= 7


def test_what_fails_is_listed_and_the_rest_is_predicted(trained: Path, run: Run) -> None:
    (trained / "text.wav").write_text("this is no sound")
    (trained / "empty.wav").touch()

    finished = run("predict", "missing.wav", "text.wav", "empty.wav", "new.wav", "--json")

    assert finished.code == 1
    missing, text, empty, new = finished.json
    assert missing["error"] == {"stage": "open", "code": "missing", "message": "no such file"}
    assert missing["label"] is None
    assert missing["scores"] == {}
    assert text["error"]["code"] == "unreadable"
    assert empty["error"]["code"] == "empty"
    assert new["label"] == "rain"
    assert "failed missing.wav: no such file" in finished.err
    assert "Traceback" not in finished.err


def test_a_folder_without_recordings_is_bad_data(trained: Path, run: Run) -> None:
    (trained / "nothing").mkdir()

    finished = run("predict", "nothing")

    assert finished.code == 3
    assert "holds no recordings" in finished.err


def test_names_come_from_stdin(trained: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("new.wav\nnew.mp3\n"))

    assert [prediction["path"] for prediction in run("predict", "-", "--json").json] == [
        "new.wav",
        "new.mp3",
    ]


def test_csv_is_safe_in_a_spreadsheet(trained: Path, run: Run) -> None:
    shutil.copy(trained / "new.wav", trained / "=1+1.wav")

    assert run("predict", "=1+1.wav", "--format", "csv", "--output", "out.csv").code == 0

    (row,) = csv.DictReader((trained / "out.csv").read_text().splitlines())
    assert row["path"] == "'=1+1.wav"
    assert row["label"] == "rain"
    assert list(row) == [
        "path", "label", "score", *(f"score:{label}" for label in LABELS), "note", "error"
    ]  # fmt: skip


def test_json_lines(trained: Path, run: Run) -> None:
    lines = run("predict", "new.wav", "new.mp3", "--format", "jsonl").out.splitlines()

    assert [json.loads(line)["label"] for line in lines] == ["rain", "chirp"]


@pytest.mark.parametrize("content", [b"", b"no model", b"\x80\x04N."])
def test_what_is_no_model_is_not_trusted(trained: Path, run: Run, content: bytes) -> None:
    (trained / "bad.joblib").write_bytes(content)

    finished = run("predict", "new.wav", "--model", "bad.joblib")

    assert finished.code == 5
    assert "bad.joblib is not a model saved by audiotl" in finished.err


def test_markup_in_names_is_printed_as_it_is(trained: Path, run: Run) -> None:
    shutil.copy(trained / "new.wav", trained / "[bold]a[red].wav")

    assert "[bold]a[red].wav" in run("predict", "[bold]a[red].wav").out
    assert "[bold]no[red].wav: no such file" in run("predict", "[bold]no[red].wav").err


def test_prediction_agrees_with_evaluation(trained: Path, sounds: Path, run: Run) -> None:
    evaluated = {p["path"]: p for p in run("evaluate", "--json").json["predictions"]}

    predicted = run("predict", *(sounds / path for path in evaluated), "--json").json

    for prediction in predicted:
        known = evaluated[str(Path(prediction["path"]).relative_to(sounds))]
        assert prediction["label"] == known["predicted"]
        assert prediction["scores"] == pytest.approx(known["scores"], abs=2e-6)


def test_bad_names_among_others_are_records(trained: Path, run: Run) -> None:
    (trained / "nothing").mkdir()
    names = ["nothing", "x" * 300 + ".wav", "nul\0.wav", "new.wav/x", "new.wav"]

    finished = run("predict", *names, "--json")

    assert finished.code == 1
    *failed, new = finished.json
    assert new["label"] == "rain"
    assert [prediction["label"] for prediction in failed] == [None] * 4
    messages = [prediction["error"]["message"] for prediction in failed]
    assert messages[0].startswith("holds no recordings")
    assert "name too long" in messages[1]
    assert messages[2] == "no name of a file"
    assert all(prediction["error"]["stage"] == "open" for prediction in failed)


@pytest.mark.parametrize("name", ["out.csv", "deep/er/OUT.CSV", "out.json", "out.jsonl"])
def test_the_format_is_that_of_the_name(trained: Path, run: Run, name: str) -> None:
    finished = run("predict", "new.wav", "--output", name)

    assert finished.code == 0
    assert finished.out == ""
    text = (trained / name).read_text()
    starts = {".csv": "path,label,score,", ".json": '[{"path": ', ".jsonl": '{"path": '}
    assert text.startswith(starts[Path(name).suffix.lower()])


def test_json_is_printed_beside_a_file(trained: Path, run: Run) -> None:
    finished = run("predict", "new.wav", "--output", "out.csv", "--json")

    assert finished.json[0]["label"] == "rain"
    assert (trained / "out.csv").read_text().startswith("path,label,score,")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([""], "an input is empty"),
        (["--output", "out.txt"], "expected a name ending in .json, .jsonl, .csv, .parquet"),
        (["--output", "out"], "expected a name ending in"),
        (["--output", "out.csv", "--format", "table"], "expected a name ending in"),
        (["--output", "."], "--output is ., a folder; expected a file"),
        (
            ["--json", "--format", "csv"],
            "to write csv as well, name a file",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_output_is_refused_before_any_work(
    project: Path, run: Run, args: list[str], message: str
) -> None:
    finished = run("predict", "new.wav", *args)  # there is not even a model

    assert finished.code == 2
    assert message in finished.err


def test_a_missing_model_says_what_to_do(project: Path, run: Run) -> None:
    finished = run("predict", "new.wav", "--model", "gone.joblib")

    assert finished.code == 3
    assert "gone.joblib does not exist; train a model with: audiotl train" in finished.err
