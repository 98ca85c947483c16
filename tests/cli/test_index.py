from __future__ import annotations

import csv
from pathlib import Path

from tests.conftest import LABELS, N_TAKES, Run


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
    assert lines[0] == f"# audio_root: {sounds}"
    assert lines[1] == (
        "path,label,split,fold,group,start_s,end_s,duration_s,sample_rate,channels,sha256,problems"
    )
    rows = list(csv.DictReader(lines[1:]))
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

    rows = list(csv.DictReader((project / finished.json["path"]).read_text().splitlines()[1:]))
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
    rows = list(csv.DictReader((project / "data/index/t.csv").read_text().splitlines()[1:]))
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
