"""Layouts other than class folders, from the command line to the index file."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.sounds import noise, write_wav


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(f"data/index/{name}.csv").read_text().splitlines()))


def recordings(folder: str, *names: str, n_samples: int = 2000) -> None:
    for seed, name in enumerate(names):
        write_wav(Path(folder) / name, noise(n_samples, seed), 16_000)


def test_json_lines_beside_recordings(project: Path, run: Run) -> None:
    recordings("sounds", "a.wav", "b.wav", "c.wav", "d.wav")
    Path("about.jsonl").write_text(
        "".join(f'{{"file": "{name}.wav", "tags": ["x", "{name}"]}}\n' for name in "abcd")
    )

    finished = run("index", "sounds", "--metadata", "about.jsonl", "--json")

    assert finished.code == 0
    assert finished.json["labels"] == ["a", "b", "c", "d", "x"]
    assert finished.json["columns"] == {"path": "file", "label": "tags", "not_used": []}
    assert "about.jsonl: path: file, label: tags" in finished.err


def test_a_table_of_events(project: Path, run: Run) -> None:
    recordings("nights", "one.wav", "two.wav", n_samples=48_000)
    Path("id.csv").write_bytes(
        "sep=;\r\nINDIR;FOLDER;IN FILE;OFFSET;DURATION;MANUAL ID;Class\r\n"
        "C:\\x;;one.wav;0,5;1,0;Gr\u00fcnfink;1\r\nC:\\x;;two.wav;1,0;1,5;Rabe;2\r\n".encode(
            "cp1252"
        )
    )

    unclear = run("index", "nights", "--metadata", "id.csv")
    finished = run(
        "index", "nights", "--metadata", "id.csv", "--label-column", "manual id", "--json"
    )

    assert unclear.code == 0, unclear.err  # the numbers stand for the labels
    assert finished.json["columns"] == {
        "path": "FOLDER/IN FILE",
        "label": "MANUAL ID",
        "start": "OFFSET (s)",
        "end": "OFFSET (s) + DURATION (s)",
        "not_used": ["INDIR", "Class"],
    }
    assert "id.csv is not UTF-8; it is read as Windows-1252" in finished.err
    assert [(row["label"], row["start_s"], row["end_s"]) for row in rows("nights")] == [
        ("Gr\u00fcnfink", "0.5", "1.5"),
        ("Rabe", "1", "2.5"),
    ]


def test_columns_that_are_not_clear_write_no_index(project: Path, run: Run) -> None:
    recordings("nights", "one.wav", n_samples=48_000)
    Path("t.csv").write_text("file,species,label\none.wav,owl,call\n")
    finished = run("index", "nights", "--metadata", "t.csv")
    assert finished.code == 3
    assert "t.csv has 2 columns that can hold the label" in finished.err
    assert not Path("data/index").exists()
    decided = run("index", "nights", "--metadata", "t.csv", "--label-column", "species", "--json")
    assert decided.json["labels"] == ["owl"]


def test_labels_joined_by_commas(project: Path, run: Run) -> None:
    recordings("sounds", "1.wav", "2.wav", "3.wav", "4.wav")
    Path("t.csv").write_text(
        'fname,labels\n1.wav,"Bark,Dog"\n2.wav,"Rain,Water"\n3.wav,"Bark,Dog,Rain"\n4.wav,Water\n'
    )
    whole = run("index", "sounds", "--metadata", "t.csv", "--json")
    assert any("--label-separator ','" in text for text in whole.json["warnings"])
    parted = run("index", "sounds", "--metadata", "t.csv", "--label-separator", ",", "--json")
    assert parted.json["labels"] == ["Bark", "Dog", "Rain", "Water"]


def test_an_audiofolder_is_found_by_itself(project: Path, run: Run) -> None:
    recordings("hf", "train/1.wav", "train/2.wav", "test/1.wav")
    Path("hf/metadata.csv").write_text(
        "file_name,label\ntrain/1.wav,a\ntrain/2.wav,b\ntest/1.wav,a\n"
    )

    finished = run("index", "hf", "--json")

    assert finished.json["labels"] == ["a", "b"]
    assert finished.json["splits"] == {"test": 1, "train": 2}
    assert finished.json["warnings"] == ["1 of 2 labels have no clip in the test split: b"]
    forced = run("index", "hf", "--labels-from", "folder", "--json")
    assert forced.json["labels"] == []


def test_annotations_become_clips_within_recordings(project: Path, run: Run) -> None:
    recordings("nights", "one.wav", "two.wav", n_samples=48_000)
    Path("nights/one.txt").write_text("0.5\t1.0\towl\n1.25\t2\tfox\n")
    Path("nights/two.wav.labels.txt").write_text("0\t1\towl\n1\t2\tfox\n")

    hinted = run("index", "nights", "--name", "plain")
    finished = run("index", "nights", "--labels-from", "annotations", "--json")

    assert "--labels-from annotations makes clips of them" in hinted.err
    assert finished.json["n_clips"] == 4
    found = rows("nights")
    assert [(row["path"], row["start_s"], row["end_s"], row["label"]) for row in found] == [
        ("one.wav", "0.5", "1", "owl"),
        ("one.wav", "1.25", "2", "fox"),
        ("two.wav", "0", "1", "owl"),
        ("two.wav", "1", "2", "fox"),
    ]
    splits = {(row["path"], row["split"]) for row in found}
    assert len(splits) == 2  # stretches of one recording stay together


def test_annotations_that_cannot_be_used_are_reported(project: Path, run: Run) -> None:
    recordings("nights", "one.wav", "two.wav", "three.wav", n_samples=48_000)
    Path("nights/one.txt").write_text("0.5\t1.0\towl\n2\t2\tpulse\n2.9\t4\tfox\n7\t8\tfox\n")
    Path("nights/two.txt").write_text("2\t1\towl\n")

    finished = run("index", "nights", "--labels-from", "annotations", "--json")

    assert finished.code == 1
    (failure,) = finished.json["failures"]
    assert failure["path"] == "nights/two.txt"
    assert "line 1: a selection from 2.0 s to 1.0 s has no length" in failure["message"]
    assert "failed nights/two.txt" in finished.err
    assert [(row["start_s"], row["end_s"]) for row in rows("nights")] == [
        ("0.5", "1"),
        ("2.9", "3"),
    ]
    assert {
        (group["unit"], group["reason"], group["n"]) for group in finished.json["left_out"]
    } == {
        ("annotation", "begins where it ends (--point-width-s makes clips of such marks)", 1),
        ("clip", "lies after the end of its recording", 1),
        ("file", "no annotation is about it", 2),
    }
    warnings = finished.json["warnings"]
    assert "1 clip ends after the recording and is cut to its end: one.wav 2.9-4 s" in warnings
    assert "the label pulse has no clip left" in warnings
    widened = run(
        "index", "nights", "--labels-from", "annotations", "--point-width-s", 0.5, "--json"
    )
    assert widened.json["labels"] == ["fox", "owl", "pulse"]


def test_a_table_about_what_comes_after_the_end(project: Path, run: Run) -> None:
    recordings("nights", "one.wav", n_samples=16_000)
    Path("t.csv").write_text("file,start,end,label\none.wav,100,200,owl\none.wav,300,400,fox\n")
    finished = run("index", "nights", "--metadata", "t.csv")
    assert finished.code == 3
    assert "2 of 2 clips that begin within a recording lie after its end" in finished.err
    assert "one.wav 100-200 s" in finished.err


def test_one_file_of_annotations_is_a_source(project: Path, run: Run) -> None:
    recordings("nights", "one.wav", n_samples=48_000)
    Path("nights/one.txt").write_text("0.5\t1.0\towl\n")
    finished = run("index", "nights/one.txt", "--test-size", 0, "--json")
    assert finished.json["labels"] == ["owl"]
    assert rows("one")[0]["path"] == "one.wav"


def test_labels_by_a_function_of_ones_own(project: Path, run: Run) -> None:
    recordings("sounds", "1.wav", "2.wav", "3.wav", "4.wav")
    Path("ground_truth.py").write_text(
        "def label(path):\n    return {'1.wav': 'odd', '2.wav': 'even', '3.wav': 'odd'}.get(path)\n"
    )

    finished = run("index", "sounds", "--labels-from", "ground_truth:label", "--json")

    assert finished.json["label_counts"] == {"even": 1, "odd": 2}
    wrong = run("index", "sounds", "--labels-from", "ground_truth:no")
    assert wrong.code == 2
    assert "AttributeError" in wrong.err
    unknown = run("index", "sounds", "--labels-from", "heaven")
    assert unknown.code == 2
    assert "annotations, csv, filename, folder" in unknown.err


DAYS = ("20240103", "20240101", "20240104", "20240102")


def test_the_newest_recordings_are_the_test(project: Path, run: Run) -> None:
    recordings("sounds", *(f"{label}/{day}.wav" for label in "ab" for day in DAYS))

    finished = run("index", "sounds", "--by-time", "name", "--json")

    assert finished.code == 0
    test = sorted(row["path"] for row in rows("sounds") if row["split"] == "test")
    assert test == ["a/20240104.wav", "b/20240104.wav"]

    for i, path in enumerate(sorted(Path("sounds").rglob("*.wav"))):
        os.utime(path, (i, i))
    run("index", "sounds", "--by-time", "modified")
    test = sorted(row["path"] for row in rows("sounds") if row["split"] == "test")
    assert test == ["b/20240103.wav", "b/20240104.wav"]


def test_the_date_of_a_recording_counts_not_that_of_its_folder(project: Path, run: Run) -> None:
    recordings("sounds", *(f"{2030 - i}-archive/{day}_063000.wav" for i, day in enumerate(DAYS)))

    run(
        "index", "sounds", "--by-time", "name", "--labels-from", "filename", "--label-regex", "(20)"
    )

    test = [row["path"] for row in rows("sounds") if row["split"] == "test"]
    assert test == ["2028-archive/20240104_063000.wav"]


def test_time_from_a_column(project: Path, run: Run) -> None:
    recordings("sounds", "1.wav", "2.wav", "3.wav", "4.wav")
    Path("t.csv").write_text(
        "path,label,year\n1.wav,a,2004\n2.wav,a,1999\n3.wav,a,2001\n4.wav,a,2003\n"
    )
    run("index", "sounds", "--metadata", "t.csv", "--by-time", "year")
    assert [row["split"] for row in rows("sounds")] == ["test", "train", "train", "train"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--by-time", "name"], "no date such as 20240131"),
        (["--by-time", "year"], "--metadata FILE.csv"),
        (["--by-time", "modified", "--test-size", "0"], "between 0 and 1"),
        (["--folds", "1"], "expected a number from 2 up, or group"),
        (["--folds", "x"], "expected a number from 2 up, or group"),
        (["--folds", "group"], "needs a group for every clip"),
        (["--path-column", "x", "--label-column", "y"], "--path-column and --label-column need"),
        (["--label-separator", ","], "--label-separator needs the table"),
        (["--point-width-s", "1"], "--point-width-s needs annotations"),
        (["--labels-from", "annotations", "--group-column", "x"], "--group-column need a table"),
    ],
)
def test_splits_that_cannot_be(project: Path, run: Run, args: list[str], message: str) -> None:
    recordings("sounds", "a/1.wav", "a/2.wav", "b/3.wav", "b/4.wav")
    finished = run("index", "sounds", *args)
    assert finished.code == 2
    assert message in finished.err
    assert not list(Path("data/index").glob("*.csv"))


def test_groups_that_names_suggest_are_reported_until_they_are_used(
    project: Path, run: Run
) -> None:
    names = [f"{word}/{who}_{word}_{n}.wav" for word in ("yes", "no")
             for who in ("anna", "ben", "eve") for n in range(2)]  # fmt: skip
    recordings("words", *names)

    (warning,) = run("index", "words", "--json").json["warnings"]
    assert run("index", "words", "--folds", 3, "--json").json["warnings"] == [warning]
    expression = warning.partition("--group-regex '")[2].removesuffix("'")
    finished = run("index", "words", "--group-regex", expression, "--folds", "group", "--json")

    assert "12 of 12 file names suggest 3 sources (speakers, patients, sites, " in warning
    assert finished.json["warnings"] == []
    assert {row["fold"] for row in rows("words")} == {"anna", "ben", "eve"}
    assert all(row["group"] == row["fold"] for row in rows("words"))
