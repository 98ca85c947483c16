from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from audiotl_cli.audio import decoder_process, isolated
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cli.main import main
from audiotl_cli.dataset.measure_clips import AHEAD
from audiotl_cli.dataset.problems.registry import codes
from tests.conftest import Run
from tests.faults import RATE, plant, scene, write
from tests.reliability.bad_decoder import CODE

INDEX = Path("data/index/sounds.csv")
MEASURED = Path("data/index/.audit")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[str]]]:
    """Return a project whose audit has been done, and the faults that are in its sounds."""
    project = tmp_path_factory.mktemp("planted")
    faults = plant(project / "sounds")
    for i, path in enumerate(sorted(project.glob("sounds/*/*"))):
        os.utime(path, (i, i))  # long ago: their hashes are remembered
    before = Path.cwd()
    os.chdir(project)
    try:
        with pytest.raises(SystemExit) as stop:
            main(["index", "sounds", "--quiet", "--workers", "2"])
    finally:
        os.chdir(before)
    assert stop.value.code == 0
    return project, faults


@pytest.fixture
def known(
    planted: tuple[Path, dict[str, set[str]]], project: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, set[str]]:
    """Copy that project, sounds and all, to the current folder; nothing may be decoded."""
    shutil.copytree(planted[0], project, dirs_exist_ok=True)

    def refuse(self: Decoders, source: object) -> None:
        raise AssertionError(f"{source} is decoded again")

    monkeypatch.setattr(Decoders, "measure", refuse)
    return planted[1]


def read_rows(path: Path = INDEX) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def same_sound(faults: dict[str, set[str]]) -> list[set[str]]:
    near = faults["near_duplicate"]
    same = {path for path in faults["duplicate"] if "same" in path}
    return [near, same, faults["label_conflict"]]


def test_every_fault_is_found_and_nothing_else(known: dict[str, set[str]], run: Run) -> None:
    finished = run("index", "sounds", "--json")

    problems = finished.json["problems"]
    rows = {row["path"]: row for row in read_rows()}
    leaks = problems.pop("split_leak", [])
    assert {code: set(paths) for code, paths in problems.items()} == known
    assert sum(map(len, problems.values())) >= 20
    assert [*problems, "split_leak"] == codes()
    duplicates = same_sound(known)
    leaking = [paths for paths in duplicates if len({rows[path]["split"] for path in paths}) > 1]
    assert set(leaks) == set().union(*leaking)
    assert sorted(map(set, finished.json["same_sound"]), key=min) == sorted(duplicates, key=min)
    assert rows["b/cut.flac"]["problems"] == "unreadable;truncated"


def test_columns_are_filled(known: dict[str, set[str]], run: Run) -> None:
    run("index", "sounds")

    rows = {row["path"]: row for row in read_rows()}
    row = rows["a/clean-00.wav"]
    assert (row["duration_s"], row["sample_rate"], row["channels"]) == ("1.5", str(RATE), "1")
    assert len(row["sha256"]) == 64
    assert row["problems"] == ""
    assert rows["a/nothing.wav"]["duration_s"] == ""
    assert float(rows["a/cut.wav"]["duration_s"]) < 1.3  # what is there, not what is promised


def test_workers_and_what_is_known_do_not_change_a_byte(
    planted: tuple[Path, dict[str, set[str]]], project: Path, run: Run
) -> None:
    shutil.copytree(planted[0] / "sounds", project / "sounds")
    run("index", "sounds", "--workers", 1)

    # the first line says where the sounds are, the same in both projects
    assert INDEX.read_bytes() == (planted[0] / INDEX).read_bytes()
    run("index", "sounds", "--workers", 2)
    assert INDEX.read_bytes() == (planted[0] / INDEX).read_bytes()


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_only_what_is_damaged_is_measured_again(
    planted: tuple[Path, dict[str, set[str]]],
    project: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
) -> None:
    shutil.copytree(planted[0], project, dirs_exist_ok=True)
    lines = MEASURED.read_bytes().splitlines(keepends=True)
    keys = [line.split(b"\t")[2] for line in lines]
    line = lines.pop(next(i for i, key in enumerate(keys) if keys.count(key) == 1))
    kept = {"flipped": line.replace(b"0", b"1"), "cut": line[:-40] + b"\n", "gone": b""}
    MEASURED.write_bytes(kept[damage] + b"".join(lines))
    asked: list[AudioSource] = []
    measure = Decoders.measure

    def count(self: Decoders, source: AudioSource) -> bytes:
        asked.append(source)
        return measure(self, source)

    monkeypatch.setattr(Decoders, "measure", count)

    assert run("index", "sounds").code == 0

    assert len(asked) == 1
    assert INDEX.read_bytes() == (planted[0] / INDEX).read_bytes()


def test_strict_writes_the_index_and_ends_with_3(known: dict[str, set[str]], run: Run) -> None:
    INDEX.unlink()

    finished = run("index", "sounds", "--strict", "--json")

    assert finished.code == 3
    assert finished.json["problems"]["silent"]
    assert "data/index/sounds.csv is written, but clips in it have problems: unreadable, " in (
        finished.err
    )
    assert INDEX.exists()


def test_fix_leaves_out_and_groups(known: dict[str, set[str]], run: Run) -> None:
    finished = run("index", "sounds", "--fix", "--json")

    rows = {row["path"]: row for row in read_rows()}
    unusable = set().union(
        *(known[code] for code in ("unreadable", "empty", "silent", "label_conflict"))
    )
    dropped = {
        change["path"]: change
        for change in finished.json["changes"]
        if change["action"] == "dropped"
    }
    assert set(dropped) == unusable | {"a/same.wav"}
    assert dropped["a/same.wav"]["reason"] == "duplicate"
    assert dropped["a/same.wav"]["detail"] == "the same as a/same.flac"
    assert not set(dropped) & set(rows)
    near = [rows[path] for path in sorted(known["near_duplicate"])]
    assert {row["group"] for row in near} == {"near a/near.mp3"}
    assert len({row["split"] for row in near}) == 1
    assert {"duplicate", "label_conflict", "split_leak", "silent"}.isdisjoint(
        finished.json["problems"]
    )


def test_fix_and_strict_agree_on_what_is_settled(project: Path, run: Run) -> None:
    for i in range(6):
        write(project / f"sounds/{'ab'[i % 2]}/{i}.wav", scene(i))
    write(project / "sounds/a/copy.wav", 0.5 * scene(0)[300:])

    assert run("index", "sounds", "--strict").code == 3
    fixed = run("index", "sounds", "--strict", "--fix", "--json")

    assert fixed.code == 0
    assert fixed.json["problems"] == {"near_duplicate": ["a/0.wav", "a/copy.wav"]}


def test_given_splits_and_folds_are_mended_too(project: Path, run: Run) -> None:
    for split, seeds in (("train", range(4)), ("test", range(4, 8))):
        for seed in seeds:
            write(project / f"sounds/{split}/{'ab'[seed % 2]}/{seed}.wav", scene(seed))
    write(project / "sounds/test/a/copy.wav", 0.5 * scene(0)[300:])

    found = run("index", "sounds", "--json").json
    fixed = run("index", "sounds", "--fix", "--json").json

    both = ["test/a/copy.wav", "train/a/0.wav"]
    assert found["problems"] == {"near_duplicate": both, "split_leak": both}
    assert fixed["problems"] == {"near_duplicate": both}
    details = {change["path"]: change["detail"] for change in fixed["changes"]}
    assert details["train/a/0.wav"] == "group near test/a/copy.wav, split train to test"


def test_a_crash_or_a_hang_costs_one_clip_and_is_not_remembered(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "crash", "hang"):
        write(project / f"sounds/{name}.wav", scene(ord(name[0])))
    with monkeypatch.context() as patch:
        patch.setattr(decoder_process, "CODE", CODE)
        patch.setattr(isolated, "TIMEOUT_S", 4.0)
        finished = run("index", "sounds", "--json")
        assert finished.json["problems"] == {"unreadable": ["crash.wav", "hang.wav"]}

    assert run("index", "sounds", "--json").json["problems"] == {}


def test_more_clips_than_are_on_their_way_at_once(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiotl_cli.dataset.measure_clips.AHEAD", 2)
    assert AHEAD > 2
    for i in range(5):
        write(project / f"sounds/{i}.wav", scene(i, 0.6 + i / 10))

    run("index", "sounds")

    assert [row["duration_s"] for row in read_rows()] == ["0.6", "0.7", "0.8", "0.9", "1"]


def test_stretches_of_a_recording_are_listened_to_by_themselves(project: Path, run: Run) -> None:
    sound = scene(5, 4.0)
    sound[: RATE * 2] = 0
    write(project / "long.wav", sound)
    (project / "about.csv").write_text(
        "path,label,start_s,end_s\nlong.wav,a,0,1.5\nlong.wav,b,2,3\nlong.wav,b,3,4\n"
    )

    finished = run("index", "about.csv", "--json")

    rows = read_rows(Path("data/index/about.csv"))
    assert [row["problems"] for row in rows] == ["silent", "", ""]
    assert [row["duration_s"] for row in rows] == ["1.5", "1", "1"]
    assert finished.json["same_sound"] == []


@pytest.mark.parametrize(
    "args", [["--no-audit", "--fix"], ["--no-audit", "--strict"], ["--workers", "0"]]
)
def test_options_that_make_no_sense(project: Path, sounds: Path, run: Run, args: list[str]) -> None:
    assert run("index", sounds, *args).code == 2
    assert not INDEX.exists()


@pytest.mark.parametrize(("columns", "table"), [("60", False), ("160", True)])
def test_the_screen_fits_the_terminal(
    known: dict[str, set[str]], run: Run, monkeypatch: pytest.MonkeyPatch, columns: str, table: bool
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")

    shown = run("index", "sounds").out

    assert "\x1b" not in shown
    assert ("what to do" in shown) == table
    assert all(code in shown for code in known)
    assert "a/both.wav (a)" in shown
    assert "= b/both.wav (b)" in shown
    assert "--fix keeps one of each" in shown
    assert "█ train" in shown
    labels, _, _ = shown.partition("rate ")  # a list of many rates is not cut
    widest = max(map(len, labels.splitlines()[3:]))
    assert widest <= int(columns)


def test_json_has_what_the_screen_shows(known: dict[str, set[str]], run: Run) -> None:
    value: dict[str, Any] = run("index", "sounds", "--json").json

    n_heard = value["n_clips"] - len(known["empty"]) - len(known["unreadable"]) + 1  # cut.flac
    assert sum(value["sample_rates"].values()) == n_heard
    assert value["channels"] == {"1": n_heard - 4, "2": 3, "4": 1}
    assert value["duration_s"]["shortest"] == 0.2
    assert sum(value["label_splits"]["a"].values()) == value["label_counts"]["a"]


def test_unbalanced_labels_are_reported(project: Path, run: Run) -> None:
    for i in range(12):
        write(project / f"sounds/{'b' if i == 11 else 'a'}/{i}.wav", scene(i, 0.6))

    warning = "Labels are unbalanced: 'a' has 11 clips, but 'b' only 1"
    assert warning in run("index", "sounds").err
