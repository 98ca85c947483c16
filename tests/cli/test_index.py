from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tests.conftest import LABELS, N_TAKES, Run
from tests.faults import scene, write


def test_folders_become_labels_and_the_split_is_even(project: Path, sounds: Path, run: Run) -> None:
    finished = run("index", sounds, "--json")

    assert finished.code == 0
    value = finished.json
    assert value["path"] == "data/index/sounds.csv"
    assert value["n_clips"] == len(LABELS) * N_TAKES
    assert value["labels"] == list(LABELS)
    assert value["splits"] == {"test": 6, "train": 18}
    assert value["problems"] == {}
    lines = (project / value["path"]).read_text().splitlines()
    assert lines[0] == (
        "path,label,split,fold,group,start_s,end_s,duration_s,sample_rate,channels,sha256,problems,"
        "audio_root"
    )
    rows = list(csv.DictReader(lines))
    assert {row["audio_root"] for row in rows} == {str(sounds)}
    assert rows[0]["path"] == "chirp/chirp-00.wav"
    assert rows[0]["sample_rate"] == "22050"
    assert len(rows[0]["sha256"]) == 64


def test_the_table_names_labels_and_the_next_command(project: Path, sounds: Path, run: Run) -> None:
    finished = run("index", sounds)

    assert "data/index/sounds.csv: 24 clips, 3 labels" in finished.out
    assert all(label in finished.out for label in LABELS)
    assert "Next: audiotl extract" in finished.err
    assert "Next" not in finished.out


def test_groups_and_folds_by_regular_expression(project: Path, sounds: Path, run: Run) -> None:
    finished = run(
        "index", sounds, "--json", "--group-regex", r"-(\d)\d\.", "--fold-regex", r"(\d)\.wav"
    )

    rows = list(csv.DictReader((project / finished.json["path"]).read_text().splitlines()))
    assert {row["group"] for row in rows} == {"0"}
    assert {row["fold"] for row in rows} == {str(take) for take in range(N_TAKES)}


def test_unreadable_recordings_are_listed_not_fatal(project: Path, sounds: Path, run: Run) -> None:
    folder = project / "mixed"
    folder.mkdir()
    (folder / "good.wav").write_bytes((sounds / "rain/rain-00.wav").read_bytes())
    (folder / "text.wav").write_text("this is no sound")
    (folder / "empty.wav").touch()

    finished = run("index", folder, "--json")

    assert finished.code == 0
    assert finished.json["problems"] == {"empty": ["empty.wav"], "unreadable": ["text.wav"]}


def test_wrong_sources_are_explained(project: Path, run: Run) -> None:
    (project / "nothing").mkdir()

    missing = run("index", "no-such-folder")
    empty = run("index", "nothing")

    assert missing.code == 3
    assert "no-such-folder: no such folder" in missing.err
    assert empty.code == 3
    assert "holds no recordings" in empty.err
    assert not (project / "data/index").exists()


def test_a_table_with_labels(project: Path, sounds: Path, run: Run) -> None:
    table = project / "about.csv"
    table.write_text("filename,category,src_file\nrain-00.wav,wet,a\ndrum-01.wav,loud,b\n")

    finished = run(
        "index", sounds, "--metadata", table, "--group-column", "src_file", "--json", "--name", "t"
    )

    assert finished.json["labels"] == ["loud", "wet"]
    rows = list(csv.DictReader((project / "data/index/t.csv").read_text().splitlines()))
    assert [(row["path"], row["group"]) for row in rows] == [
        ("rain/rain-00.wav", "a"),
        ("drum/drum-01.wav", "b"),
    ]


def test_the_same_seed_gives_the_same_bytes(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds, "--name", "a", "--seed", 3)
    run("index", sounds, "--name", "b", "--seed", 3)
    run("index", sounds, "--name", "c", "--seed", 4)

    texts = [(project / f"data/index/{name}.csv").read_bytes() for name in "abc"]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


INDEX = Path("data/index/sounds.csv")


def edit_label() -> str:
    text = INDEX.read_text().replace(",rain,", ",drizzle,", 1)
    INDEX.write_text(text)
    return text


def test_an_index_edited_by_hand_is_not_lost(project: Path, sounds: Path, run: Run) -> None:
    run("index", sounds)
    edited = edit_label()

    refused = run("index", sounds)

    assert refused.code == 2
    assert "data/index/sounds.csv is not as audiotl index wrote it" in refused.err
    assert "--out FILE" in refused.err
    assert INDEX.read_text() == edited
    assert run("index", sounds, "--name", "other").code == 0
    assert run("index", sounds, "--overwrite").code == 0
    assert "drizzle" not in INDEX.read_text()
    assert run("index", sounds, "--seed", 1).code == 0


@pytest.mark.parametrize("content", [b"path,label\nmine.wav,a\n", b"", b"\0", b"path\n"])
def test_a_file_made_in_another_way_is_not_lost(
    project: Path, sounds: Path, run: Run, content: bytes
) -> None:
    INDEX.parent.mkdir(parents=True)
    INDEX.write_bytes(content)

    assert run("index", sounds).code == 2
    assert INDEX.read_bytes() == content


def test_an_index_saved_by_a_spreadsheet_unchanged_is_not_edited(
    project: Path, sounds: Path, run: Run
) -> None:
    run("index", sounds)
    INDEX.write_bytes(INDEX.read_bytes().replace(b"\n", b"\r\n"))

    assert run("index", sounds).code == 0


@pytest.mark.parametrize("option", ["SOURCE", "--metadata"])
def test_a_table_is_never_written_over(project: Path, sounds: Path, run: Run, option: str) -> None:
    table = sounds / "about.csv" if option == "SOURCE" else project / "about.csv"
    table.write_text("path,label\nrain/rain-00.wav,wet\ndrum/drum-00.wav,loud\n")
    args = [table] if option == "SOURCE" else [sounds, "--metadata", table]

    finished = run("index", *args, "--out", table, "--overwrite")
    text = table.read_text()
    table.unlink()

    assert finished.code == 2
    assert "is what the index is made from" in finished.err
    assert text.startswith("path,label")


@pytest.mark.parametrize(
    ("args", "both"),
    [
        (["--labels-from", "folder", "--metadata", "t.csv"], ("--labels-from", "--metadata")),
        (["--labels-from", "folder", "--label-regex", "(a)"], ("--labels-from", "--label-regex")),
        (["--metadata", "t.csv", "--labels-from", "csv", "--label-regex", "(a)"],
         ("--labels-from csv", "--label-regex")),
        (["--metadata", "t.csv", "--group-regex", "(a)", "--group-column", "path"],
         ("--group-regex", "--group-column")),
        (["--metadata", "t.csv", "--fold-regex", "(a)", "--fold-column", "path"],
         ("--fold-regex", "--fold-column")),
        (["--folds", "2", "--fold-regex", "(a)"], ("--folds", "--fold-regex")),
        (["--name", "a", "--out", "b.csv"], ("--name", "--out")),
    ],
)  # fmt: skip
def test_options_at_odds_are_both_named(
    project: Path, sounds: Path, run: Run, args: list[str], both: tuple[str, str]
) -> None:
    (project / "t.csv").write_text("path,label\nrain/rain-00.wav,wet\ndrum/drum-00.wav,loud\n")

    finished = run("index", sounds, *args)

    assert finished.code == 2
    assert all(option in finished.err for option in both)
    assert not INDEX.parent.exists()


def test_a_table_as_source_and_as_metadata_is_one_too_many(
    project: Path, sounds: Path, run: Run
) -> None:
    (project / "t.csv").write_text("path,label\nrain-00.wav,wet\n")
    assert run("index", "t.csv", "--metadata", "t.csv").code == 2


def test_labels_without_a_test_clip_are_named_even_when_quiet(
    project: Path, sounds: Path, run: Run
) -> None:
    folder = project / "few"
    for label, n_takes in (("rain", 8), ("drum", 1)):
        (folder / label).mkdir(parents=True)
        for take in range(n_takes):
            shutil.copy(sounds / label / f"{label}-0{take}.wav", folder / label)

    finished = run("index", folder, "--quiet", "--json")

    assert finished.json["warnings"] == ["1 of 2 labels have no clip in the test split: drum"]
    assert finished.err == "Warning: 1 of 2 labels have no clip in the test split: drum\n"


def test_one_clip_of_one_label_is_said_in_the_singular(project: Path, run: Run) -> None:
    write(project / "sounds" / "a" / "x.wav", scene(1, 0.6))

    assert "sounds.csv: 1 clip, 1 label, 0.6 s of audio" in run("index", "sounds").out
    assert "1 clip added" in run("extract", "--extractor", "mfcc").out
