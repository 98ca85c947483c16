"""Long predictions: killed at any instant, they lose a recording at most, and go on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audiotl_cli.errors import DataError
from tests.conftest import REPOSITORY, Run

PAUSING = """
import sys
from pathlib import Path
from audiotl_cli.cli.main import main
from audiotl_cli.inference.journal import Journal
from audiotl_cli.written import WrittenFiles

place, n_left = sys.argv[1], int(sys.argv[2])

def pausing(really):
    def done(*args, **options):
        global n_left
        really(*args, **options)
        n_left -= 1
        if n_left == 0:
            print("reached", flush=True)
            sys.stdin.readline()
    return done

if place == "journal":
    Journal.add = pausing(Journal.add)
else:
    WrittenFiles.write = pausing(WrittenFiles.write)
main(sys.argv[3:])
"""
"""Runs a command line that waits, for a signal, once so many recordings are done."""

N_RECORDINGS = 6


@pytest.fixture
def night(project: Path, sounds: Path) -> Path:
    """Return a folder of recordings, one of them without sound."""
    folder = project / "night"
    folder.mkdir()
    for label in ("rain", "drum", "chirp"):
        for take in (0, 1):
            shutil.copy(sounds / label / f"{label}-{take:02d}.wav", folder)
    (folder / "drum-00.wav").write_text("no sound")
    return folder


def stop_after(
    n: int, how: signal.Signals, *args: object, place: str = "journal"
) -> tuple[int, str]:
    """Run a command, send it a signal once `n` recordings are done; return its code and stderr."""
    command = [sys.executable, "-c", PAUSING, place, n, *args]
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().strip() == "reached", process.stderr.read()
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
    return process.returncode, said


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("how", "name"), [*zip(SIGNALS, ["out.csv", "out.json", "out.rttm"], strict=True)]
)
def test_a_stopped_prediction_goes_on_to_the_same_file(
    mfcc_model: Path, night: Path, run: Run, how: signal.Signals, name: str
) -> None:
    options = ("-m", mfcc_model, "--segments")
    assert run("predict", *options, night, "--output", f"whole{Path(name).suffix}").code == 1

    code, said = stop_after(4, how, "predict", *options, night, "--output", name)

    assert code in (-how, 128 + how)
    assert not Path(name).exists()
    head, *lines = Path(f"{name}.part").read_text().splitlines()
    assert "audiotl_predictions" in json.loads(head)
    assert len([json.loads(line)["path"] for line in lines]) == 4
    if how == signal.SIGINT:
        assert f"4 of {N_RECORDINGS} recordings (1 of them failed) are saved in {name}.part" in said
        assert "the same command continues" in said
        assert "Traceback" not in said
    went_on = run("predict", *options, night, "--output", name)
    assert went_on.code == 1
    assert "4 recordings are already in" in went_on.err
    assert f"Written to {name}: {N_RECORDINGS} recordings, 1 of them failed" in went_on.err
    assert f"failed {night / 'drum-00.wav'}" in went_on.err  # it failed before the kill
    assert Path(name).read_bytes() == Path(f"whole{Path(name).suffix}").read_bytes()
    assert not Path(f"{name}.part").exists()


@pytest.fixture
def stopped(mfcc_model: Path, night: Path, run: Run) -> Path:
    """Return the journal of a prediction into ``out.csv`` that a failing model ended."""
    with failing_after(4):
        finished = run("predict", "-m", mfcc_model, night, "--output", "out.csv")
    assert finished.code == 3
    assert "the model broke" in finished.err
    return Path("out.csv.part")


class failing_after:  # noqa: N801
    """Let a model fail once it has scored so many recordings."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        from audiotl_cli.classifiers.running import RunningScores

        really = RunningScores.scores

        def scores(running: RunningScores) -> Any:
            self.n -= 1
            if self.n < 0:
                raise DataError("the model broke")
            return really(running)

        self.patch.setattr(RunningScores, "scores", scores)

    def __exit__(self, *error: object) -> None:
        self.patch.undo()


def test_wherever_the_last_line_is_cut_off_the_file_is_the_same(
    mfcc_model: Path, night: Path, stopped: Path, run: Run
) -> None:
    command = ("predict", "-m", mfcc_model, night, "--output")
    run(*command, "whole.csv")
    data = stopped.read_bytes()
    last = data.rindex(b"\n", 0, -1) + 1
    for end in (last, last + 1, last + 40, len(data) - 2, len(data) - 1):
        stopped.write_bytes(data[:end])

        assert run(*command, "out.csv").code == 1

        assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()
        assert not stopped.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scores", ["chirp"]),
        ("scores", {"chirp": "high"}),
        ("scores", {"chirp": float("nan")}),
        ("scores", {"chirp": float("inf")}),
        ("error", {"stage": 1, "code": [], "message": None}),
        ("segments", [["0", "1", "chirp", 0.5]]),
        ("rejected", "no"),
        ("path", 5),
    ],
)
def test_a_line_that_is_no_prediction_is_a_recording_that_was_not_done(
    mfcc_model: Path, night: Path, stopped: Path, run: Run, name: str, value: object
) -> None:
    command = ("predict", "-m", mfcc_model, night, "--output")
    run(*command, "whole.csv")
    head, first, *_ = stopped.read_text().splitlines()
    stopped.write_text(f"{head}\n{json.dumps(json.loads(first) | {name: value})}\n")

    assert run(*command, "out.csv").code == 1

    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_a_recording_that_changed_meanwhile_is_predicted_again(
    mfcc_model: Path, night: Path, sounds: Path, stopped: Path, run: Run
) -> None:
    shutil.copy(sounds / "rain" / "rain-07.wav", night / "chirp-00.wav")
    shutil.copy(sounds / "rain" / "rain-06.wav", night / "drum-00.wav")
    command = ("predict", "-m", mfcc_model, night, "--output")

    assert run(*command, "out.csv").code == 0

    assert run(*command, "whole.csv").code == 0
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.parametrize("change", ["model", "options", "sorting", "journal"])
def test_what_was_made_otherwise_is_not_mixed(
    mfcc_model: Path, night: Path, stopped: Path, run: Run, change: str
) -> None:
    more: tuple[object, ...] = ()
    if change == "model":
        index = ("--index", mfcc_model.parent / "data/index/sounds.csv")
        store = ("--store", mfcc_model.parent / "data/features")
        assert run("train", *index, *store, "--pooling", "mean", "--out", "m.joblib").code == 0
        mfcc_model = Path("m.joblib")
    elif change == "options":
        more = ("--segments",)
    elif change == "sorting":
        more = ("--copy-to", "sorted")
    else:
        stopped.write_text("my notes\n")
    before = stopped.read_bytes()
    command = ("predict", "-m", mfcc_model, night, "--output", "out.csv", *more)

    refused = run(*command)

    assert refused.code == 2
    assert "out.csv.part" in refused.err
    assert "--overwrite" in refused.err
    assert stopped.read_bytes() == before
    assert not Path("sorted").exists()
    assert run(*command, "--overwrite").code == 1
    assert len(Path("out.csv").read_text().splitlines()) >= 6
    assert not stopped.exists()


def test_json_on_stdout_is_complete_after_going_on(
    mfcc_model: Path, night: Path, stopped: Path, run: Run
) -> None:
    value = run("predict", "-m", mfcc_model, night, "--output", "out.csv", "--json").json

    whole = run("predict", "-m", mfcc_model, night, "--json").json
    assert value == whole


def test_a_folder_that_cannot_be_written_is_noticed_before_any_work(
    mfcc_model: Path, night: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").touch()
    monkeypatch.setattr(
        "audiotl_cli.inference.model.Model.stream", lambda *args, **more: pytest.fail("worked")
    )

    finished = run("predict", "-m", mfcc_model, night, "--output", "file/out.csv")

    assert finished.code == 2
    assert "nothing can be written into file" in finished.err


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("form", ["audacity", "raven"])
def test_files_a_recording_are_not_made_twice(
    mfcc_model: Path, night: Path, run: Run, form: str
) -> None:
    options = ("-m", mfcc_model, "--segments", "--format", form)
    run("predict", *options, night, "--output", "whole")

    code, _ = stop_after(3, signal.SIGKILL, "predict", *options, night, place="written")

    assert code == -signal.SIGKILL
    made = {path.name: path.stat().st_mtime_ns for path in night.glob("*.txt")}
    assert len(made) == 3
    went_on = run("predict", *options, night)
    assert went_on.code == 1
    assert "3 recordings already have a file" in went_on.err
    now = {path.name: path.stat().st_mtime_ns for path in night.glob("*.txt")}
    assert len(now) == N_RECORDINGS - 1
    assert made.items() <= now.items()
    for path in night.glob("*.txt"):
        assert path.read_bytes() == (Path("whole") / path.name).read_bytes()
    other = run("predict", *options, night, "--threshold", 0.9)
    assert "already have a file" not in other.err


# --- sorting -------------------------------------------------------------------------


def where_they_are(folder: Path, sorted_to: Path) -> list[str]:
    found = [path.relative_to(folder.parent) for path in folder.rglob("*.wav")]
    if sorted_to.exists():
        found += [path.relative_to(folder.parent) for path in sorted_to.rglob("*.wav")]
    return sorted(map(str, found))


def test_a_model_that_fails_after_a_move_leaves_a_record(
    mfcc_model: Path, night: Path, run: Run
) -> None:
    command = ("predict", "-m", mfcc_model, night, "--move-to", "sorted", "--quiet")

    with failing_after(2):
        printed = run(*command, "--json")
    assert printed.code == 3
    assert [
        Path(prediction["sorted_to"]).name
        for prediction in printed.json
        if "sorted_to" in prediction
    ] == [
        "chirp-00.wav",
        "chirp-01.wav",
    ]
    with failing_after(1):
        table = run(*command)
    assert f"{night / 'drum-01.wav'} is being moved to sorted/drum/drum-01.wav" in table.err
    assert "drum-01.wav" in table.out
    with failing_after(1):
        lines = run(*command, "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["sorted_to"] for line in lines if "sorted_to" in line] == [
        "sorted/rain/rain-00.wav"
    ]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_record_is_out_before_a_recording_moves(
    mfcc_model: Path,
    night: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    form: str,
) -> None:
    told = ""
    moves = []
    replace = Path.replace

    def noted(self: Path, target: Path) -> Path:
        nonlocal told
        if target.suffix == ".wav":
            told += capfd.readouterr().out
            moves.append((str(self) in told, str(target) in told))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", noted)

    run("predict", "-m", mfcc_model, night, "--move-to", "sorted", "--format", form)

    assert moves == [(True, True)] * (N_RECORDINGS - 1)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("n", [1, 3, N_RECORDINGS])
def test_moves_that_a_kill_prevented_are_made_up_for(
    mfcc_model: Path, night: Path, sounds: Path, run: Run, n: int
) -> None:
    again = night.parent / "again" / "night"
    shutil.copytree(night, again)
    here = Path.cwd()
    os.chdir(again.parent)
    options = ("-m", mfcc_model, "night", "--move-to", "sorted", "--output", "out.csv")
    assert run("predict", *options).code == 1
    os.chdir(here)

    code, _ = stop_after(n, signal.SIGKILL, "predict", *options)  # on record, and not moved

    assert code == -signal.SIGKILL
    assert (
        (night / ["", "chirp-00", "", "drum-00", "", "", "rain-01"][n]).with_suffix(".wav").exists()
    )
    assert run("predict", *options).code == 1
    assert Path("out.csv").read_bytes() == (again.parent / "out.csv").read_bytes()
    assert where_they_are(night, Path("sorted").resolve()) == where_they_are(
        again, again.parent / "sorted"
    )


def test_going_on_after_everything_was_moved(mfcc_model: Path, night: Path, run: Run) -> None:
    (night / "drum-00.wav").unlink()
    options = ("predict", "-m", mfcc_model, "night", "--move-to", "sorted", "--output", "out.csv")
    with full_at_the_end():
        finished = run(*options)
    assert finished.code == 3
    assert not list(night.iterdir())

    assert run(*options).code == 0

    rows = Path("out.csv").read_text().splitlines()
    assert len(rows) == N_RECORDINGS
    assert all("sorted/" in row for row in rows[1:])


class full_at_the_end:  # noqa: N801
    """Let a disk be full when the file of all predictions is written."""

    def __enter__(self) -> None:
        self.patch = pytest.MonkeyPatch()

        def full(*args: object, **options: object) -> None:
            raise OSError(28, "No space left on device")

        self.patch.setattr("audiotl_cli.written.write_whole", full)

    def __exit__(self, *error: object) -> None:
        self.patch.undo()


@pytest.mark.parametrize(
    ("args", "read"),
    [
        (("--json",), lambda out: json.loads(out)),
        (("--format", "jsonl"), lambda out: [json.loads(line) for line in out.splitlines()]),
        (("--output", "out.json"), lambda out: json.loads(Path("out.json").read_text())),
    ],
    ids=["json", "jsonl", "file"],
)
def test_a_move_that_fails_is_on_record(
    mfcc_model: Path,
    night: Path,
    run: Run,
    args: tuple[str, ...],
    read: Callable[[str], list[dict[str, Any]]],
) -> None:
    Path("sorted").mkdir()
    (Path("sorted") / "rain").write_text("no folder")

    finished = run("predict", "-m", mfcc_model, night, "--move-to", "sorted", *args)

    assert finished.code == 1
    assert f"failed {night / 'rain-00.wav'}: not moved: " in finished.err
    assert (night / "rain-00.wav").exists()
    about = [
        prediction
        for prediction in read(finished.out)
        if prediction["path"] == str(night / "rain-00.wav")
    ]
    assert about[-1]["error"]["stage"] == "sort"
    assert "sorted_to" not in about[-1]
