from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiotl_cli import Index
from audiotl_cli.cells import plain_cell
from audiotl_cli.review import cut as cutting
from tests.conftest import REPOSITORY, Run
from tests.reliability.programs import Program
from tests.sounds import noise, write_wav

RATE = 8000
HOSTILE = ["../x", "a/b", "CON", "=1+1", "l" * 300, "Käuzchen 🦉", ".hidden", "a_b", "A_B", "x;y"]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(events: Sequence[tuple[str, float, float, str, float]], path: str = "found.json") -> Path:
    names = ("start_s", "end_s", "label", "score")
    values: dict[str, list[dict[str, Any]]] = {}
    for recording, *event in events:
        values.setdefault(recording, []).append(dict(zip(names, event, strict=True)))
    found = [{"path": name, "segments": segments} for name, segments in values.items()]
    Path(path).write_text(json.dumps(found))
    return Path(path)


def recording(
    name: str, seconds: int = 10, channels: int = 1, seed: int = 0
) -> np.ndarray[Any, Any]:
    samples = noise(seconds * RATE * channels, seed).reshape(-1, channels)
    write_wav(Path(name), samples, RATE, subtype="PCM_16")
    return soundfile.read(name, always_2d=True)[0]  # type: ignore[no-any-return]


def rows(folder: str = "clips") -> list[dict[str, str]]:
    with Path(folder, "clips.csv").open(encoding="utf-8", newline="") as file:
        return [
            {name: plain_cell(cell) for name, cell in row.items()} for row in csv.DictReader(file)
        ]


def contents(folder: str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.parametrize("form", ["wav", "flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_clip_holds_the_samples_of_its_detection_and_padding(
    run: Run, form: str, channels: int
) -> None:
    samples = recording("night.wav", channels=channels)
    found = save([("night.wav", 2.0, 3.5, "owl", 0.9), ("night.wav", 0.25, 1.0, "owl", 0.8)])

    finished = run("cut", found, "--out", "clips", "--padding-s", 0.5, "--format", form, "--json")

    assert finished.code == 0
    assert finished.json["n_cut"] == 2
    assert finished.json["labels"] == {"owl": 2}
    first, second = rows()
    for row, start, end in ((first, 0, 1.5), (second, 1.5, 4.0)):
        clip, rate = soundfile.read(Path("clips", row["file"]), always_2d=True)
        assert rate == RATE
        np.testing.assert_array_equal(clip, samples[int(start * RATE) : int(end * RATE)])
        assert (float(row["clip_start_s"]), float(row["clip_end_s"])) == (start, end)
    assert second["file"] == f"owl/night_000002.000-000003.500.{form}"
    assert (second["path"], second["start_s"], second["end_s"]) == ("night.wav", "2.0", "3.5")
    assert (second["label"], second["score"]) == ("owl", "0.9")


def test_the_folder_is_indexed_with_the_labels_and_the_recordings_as_groups(run: Run) -> None:
    recording("a/night.wav", 20)
    recording("b/night.wav", 20, seed=1)
    events = [
        (f"{site}/night.wav", 1.0 + i, 1.5 + i, label, 0.5)
        for site in "ab"
        for i, label in enumerate(HOSTILE)
    ]

    assert run("cut", save(events), "--out", "clips").code == 0
    assert run("index", "clips", "--no-audit").code == 0

    clips = Index.read(Path("data/index/clips.csv")).clips
    expected = sorted((f"{site}/night.wav", label) for site in "ab" for label in HOSTILE)
    assert sorted((clip.group, clip.label) for clip in clips) == expected
    times = {row["file"]: (float(row["start_s"]), row["path"]) for row in rows()}
    assert {times[clip.path] for clip in clips} == {(start, path) for path, start, *_ in events}
    outside = [path for path in Path().rglob("*.wav") if path.parts[0] not in ("a", "b", "clips")]
    assert not outside


def test_a_clip_that_was_moved_has_the_label_of_its_new_folder(run: Run) -> None:
    recording("night.wav")
    found = save([("night.wav", 1, 2, "a/b", 0.5), ("night.wav", 3, 4, "rain", 0.5)])
    run("cut", found, "--out", "clips")
    moved = next(Path("clips/rain").iterdir())
    moved.rename(Path("clips/a_b", moved.name))

    run("index", "clips", "--no-audit")

    clips = Index.read(Path("data/index/clips.csv")).clips
    assert [(clip.label, clip.group) for clip in clips] == [("a/b", "night.wav")] * 2


def test_a_second_run_cuts_nothing_and_more_are_added(run: Run) -> None:
    recording("night.wav")
    events = [("night.wav", float(i), i + 0.5, "owl", i / 10) for i in range(6)]
    found = save(events)
    run("cut", found, "--out", "clips", "--max-per-label", 2, "--select", "best")
    assert sorted(row["score"] for row in rows()) == ["0.4", "0.5"]
    before = contents("clips")

    again = run("cut", found, "--out", "clips", "--max-per-label", 2, "--select", "best", "--json")
    assert (again.json["n_cut"], again.json["n_skipped"]) == (0, 2)
    assert contents("clips") == before

    more = run("cut", found, "--out", "clips", "--json")
    assert (more.json["n_cut"], more.json["n_skipped"]) == (4, 2)
    assert len(rows()) == len({row["file"] for row in rows()}) == 6


@pytest.mark.parametrize("at", ["place", "append_rows", "write_stretch"])
def test_an_interrupted_run_is_continued_to_the_same_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    recording("night.wav")
    found = save([("night.wav", float(i), i + 0.5, "owl", i / 10) for i in range(6)])
    run("cut", found, "--out", "whole")
    n_calls, real = 0, getattr(cutting, at)

    def stop(*args: Any, **more: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            raise KeyboardInterrupt
        return real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(cutting, at, stop)
        assert run("cut", found, "--out", "clips").code == 130
    assert run("cut", found, "--out", "clips").code == 0

    assert contents("clips") == contents("whole")


def test_a_file_that_is_there_is_never_overwritten(run: Run) -> None:
    recording("night.wav")
    mine = Path("clips/owl/night_000001.000-000002.000.wav")
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    assert run("cut", save([("night.wav", 1, 2, "owl", 0.5)]), "--out", "clips").code == 0

    assert mine.read_text() == "mine"
    assert rows()[0]["file"] == "owl/night_000001.000-000002.000-2.wav"


def test_another_table_in_the_folder_is_refused_and_kept(run: Run) -> None:
    recording("night.wav")
    Path("clips").mkdir()
    Path("clips/clips.csv").write_text("name,mine\n1,2\n")

    finished = run("cut", save([("night.wav", 1, 2, "owl", 0.5)]), "--out", "clips")

    assert finished.code == 3
    assert "another table" in finished.err
    assert Path("clips/clips.csv").read_text() == "name,mine\n1,2\n"


def test_what_cannot_be_cut_is_listed(run: Run) -> None:
    recording("night.wav", 3)
    Path("bad.wav").write_bytes(b"no sound at all")
    found = save(
        [
            ("night.wav", 1, 2, "owl", 0.5),
            ("night.wav", 7, 8, "owl", 0.5),
            ("bad.wav", 1, 2, "owl", 0.5),
            ("gone.wav", 1, 2, "owl", 0.5),
        ]
    )

    finished = run("cut", found, "--out", "clips", "--json")

    assert finished.code == 1
    assert (finished.json["n_cut"], finished.json["n_failed"]) == (1, 3)
    codes = {failure["path"]: failure["code"] for failure in finished.json["failures"]}
    assert codes == {"bad.wav": "unreadable", "gone.wav": "missing", "night.wav": "empty"}
    assert finished.json["labels"] == {"owl": 1}
    assert len(rows()) == 1


@pytest.mark.parametrize(
    ("select", "scores"),
    [
        ("best", {0.91, 0.81, 0.71, 0.61}),
        ("uncertain", {0.51, 0.41, 0.61, 0.31}),
        ("even", {0.01, 0.31, 0.61, 0.91}),
    ],
)
def test_scores_choose(run: Run, select: str, scores: set[float]) -> None:
    recording("night.wav", 12)
    found = save(
        [("night.wav", float(i), i + 0.5, "owl", round(i / 10 + 0.01, 2)) for i in range(10)]
    )

    run("cut", found, "--max-per-label", 4, "--select", select)

    assert {float(row["score"]) for row in rows()} == scores


def test_two_runs_at_once_cut_each_detection_once(run: Run) -> None:
    recording("night.wav")
    found = save([("night.wav", float(i), i + 0.5, "owl", i / 10) for i in range(8)])
    run("cut", found, "--out", "whole")

    command = [sys.executable, "-m", "audiotl_cli", "cut", str(found)]
    started = [subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
               for _ in range(2)]  # fmt: skip
    assert [process.wait(timeout=120) for process in started] == [0, 0]

    assert contents("clips") == contents("whole")


def test_annotations_are_cut_and_scores_of_them_are_refused(run: Run) -> None:
    recording("night.wav")
    Path("night.txt").write_text("1.0\t2.0\towl\n4,5\t5\train\n")

    assert run("cut", "night.txt", "--out", "clips").code == 0
    refused = run("cut", "night.txt", "--out", "other", "--select", "best")

    assert [(row["label"], row["start_s"]) for row in rows()] == [("owl", "1.0"), ("rain", "4.5")]
    assert refused.code == 2
    assert "--select random" in refused.err


def test_the_folder_is_called_clips_unless_it_is_named(run: Run) -> None:
    recording("night.wav")

    finished = run("cut", save([("night.wav", 1, 2, "owl", 0.5)]))

    assert finished.code == 0
    assert Path("clips/clips.csv").is_file()
    assert "Next: audiotl index clips" in finished.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--label", "owll"], 2, "no detection is labelled 'owll'; did you mean owl?"),
        (["--min-score", "0.9"], 3, "none of 1 detections"),
        (["--min-score", "0.9", "--max-score", "0.1"], 2, "above --max-score"),
    ],
)
def test_what_leaves_nothing_to_cut_is_refused(
    run: Run, options: list[str], code: int, said: str
) -> None:
    finished = run("cut", save([("night.wav", 1, 2, "owl", 0.5)]), *options)

    assert finished.code == code
    assert said in finished.err
    assert not Path("clips").exists()


HALT = """
import pathlib, threading
from audiotl_cli.review import cut
real, calls = cut.{at}, []
def halt(*args, **more):
    calls.append(1)
    if len(calls) == 3:
        pathlib.Path("halted").touch()
        threading.Event().wait()
    return real(*args, **more)
cut.{at} = halt
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs signals and /proc")
@pytest.mark.parametrize("at", ["place", "append_rows"])
def test_a_killed_run_is_continued_to_the_same_folder(run: Run, tmp_path: Path, at: str) -> None:
    recording("night.wav")
    found = save([("night.wav", float(i), i + 0.5, "owl", i / 10) for i in range(6)])
    run("cut", found, "--out", "whole")
    output = tmp_path / "program"
    output.mkdir()
    program = Program(output, ["cut", found, "--out", "clips"], before=HALT.format(at=at))
    program.wait_for(lambda _: Path("halted").exists())

    program.end(signal.SIGKILL)
    assert len(contents("clips")) == 3  # two clips, and the table
    assert run("cut", found, "--out", "clips").code == 0

    assert contents("clips") == contents("whole")


@pytest.mark.parametrize("file", ["../mine.wav", "owl/../../mine.wav", "/mine.wav", ".x/a.wav", ""])
def test_a_table_cannot_lead_out_of_its_folder(run: Run, file: str) -> None:
    recording("night.wav")
    found = save([("night.wav", 1, 2, "owl", 0.5)])
    run("cut", found)
    written = rows()[0]["file"]
    Path("clips", written).unlink()
    table = Path("clips/clips.csv")
    table.write_text(table.read_text().replace(written, file))

    finished = run("cut", found)

    assert finished.code == 3
    assert "clips.csv, line 2: file is" in finished.err
    assert [path.name for path in Path().rglob("*.wav")] == ["night.wav"]


def test_a_folder_that_is_a_link_is_not_written_into(run: Run) -> None:
    recording("night.wav")
    Path("elsewhere").mkdir()
    Path("clips").mkdir()
    Path("clips/owl").symlink_to(Path("elsewhere").absolute())

    finished = run("cut", save([("night.wav", 1, 2, "owl", 0.5)]))

    assert finished.code == 3
    assert "symbolic link" in finished.err
    assert not list(Path("elsewhere").iterdir())


def test_clips_read_back_for_any_label(run: Run) -> None:
    recording("night.wav", 40)
    drawn = [given_label(seed) for seed in range(30)]
    events = [("night.wav", float(i), i + 0.5, label, 0.5) for i, label in enumerate(drawn)]

    assert run("cut", save(events)).code == 0
    assert run("index", "clips", "--no-audit").code == 0

    labels = {row["file"]: row["label"] for row in rows()}
    assert sorted(labels.values()) == sorted(drawn)
    clips = Index.read(Path("data/index/clips.csv")).clips
    assert {clip.path: clip.label for clip in clips} == labels


def given_label(seed: int) -> str:
    """Return a label of letters that names of files may or may not have."""
    letters = np.random.default_rng(seed).choice(list("ab./\\:*?<|'\"=-@ é鳥\u202e"), 6)
    return f"x{''.join(letters).strip()}x"
