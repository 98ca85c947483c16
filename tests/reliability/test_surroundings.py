"""Odd terminals, little memory, closed streams, folders that are gone: a true message each."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from audiotl_cli.extractors.mfcc import MfccExtractor
from tests.conftest import REPOSITORY, Finished, Run, run_in
from tests.store.full_disk import fill_disk

COMMAND = [sys.executable, "-P", "-m", "audiotl_cli"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a project with an index, features and a model."""
    folder = tmp_path_factory.mktemp("made")
    run_in(
        folder,
        ["index", sounds],
        ["extract", "--extractor", "mfcc"],
        ["train", "--out", "data/models/m.joblib"],
    )
    return folder


@pytest.fixture
def folder(made: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, project, dirs_exist_ok=True)
    monkeypatch.setenv("AUDIOTL_EXTRACT_EXTRACTOR", "mfcc")
    monkeypatch.setenv("AUDIOTL_CACHE", str(project.parent / "cache"))
    return project


def in_process(
    args: Sequence[object],
    *,
    env: dict[str, str] | None = None,
    limit: Callable[[], None] | None = None,
) -> Finished:
    """Run a command line in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**(os.environ if env is None else env), "PYTHONPATH": str(REPOSITORY)},
        preexec_fn=limit,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


# --- terminals -----------------------------------------------------------------------


@pytest.mark.parametrize("size", ["0", "-5", "abc", "", "99999999999999999999", "1", "10", "٣"])
def test_no_width_or_height_empties_or_ends_a_command(
    folder: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("COLUMNS", size)
    monkeypatch.setenv("LINES", size)
    predicted = run("predict", sounds / "rain/rain-00.wav")
    helped = run("extract", "--help")
    assert predicted.code == helped.code == 0
    assert "rain" in "".join(predicted.out.split())
    assert "--hop-s" in helped.out
    assert "Error" not in predicted.err + helped.err


@pytest.mark.parametrize("size", ["0", "1", "99999999999999999999"])
def test_a_terminal_of_no_width_shows_what_it_should(folder: Path, sounds: Path, size: str) -> None:
    script = shutil.which("script")
    if script is None:
        pytest.skip("script, which makes a terminal, is not installed")
    command = " ".join([*COMMAND, "predict", str(sounds / "rain/rain-00.wav")])
    done = subprocess.run(
        [script, "-qec", command, os.devnull],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": size, "LINES": size},
    )
    assert done.returncode == 0
    assert "rain" in "".join(done.stdout.split())


# --- memory --------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep this limit")
@pytest.mark.parametrize("megabytes", [100, 600, 1040, 1200])
@pytest.mark.parametrize("command", ["index", "extract", "train", "predict", "evaluate"])
def test_with_too_little_memory_it_works_or_says_so(
    folder: Path, sounds: Path, command: str, megabytes: int
) -> None:
    args: dict[str, list[object]] = {
        "index": ["index", sounds, "--name", "again"],
        "extract": ["extract", "--store", "other"],
        "train": ["train", "--out", "again.joblib"],
        "predict": ["predict", sounds / "rain"],
        "evaluate": ["evaluate"],
    }

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    finished = in_process([*args[command], "--json"], limit=limit)

    value = finished.json
    if finished.code == 0:
        assert megabytes >= 1024
        return
    assert finished.code in (1, 3)
    if megabytes < 1024:
        assert f"this process is limited to {megabytes} MiB (ulimit -v)" in finished.err
    assert "not enough memory" in json.dumps(value) + finished.err
    assert "damaged" not in finished.err
    assert "Traceback" not in finished.err


def no_memory(*args: object, **more: object) -> None:
    raise MemoryError("Unable to allocate 5.00 TiB")


def test_one_recording_that_does_not_fit_is_no_damaged_one(
    folder: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MfccExtractor, "forward", no_memory)
    value = run("predict", sounds / "rain/rain-00.wav", "--json")
    assert value.code in (1, 3)
    assert "not enough memory" in value.out


def test_a_network_that_does_not_fit_ends_the_run_with_a_true_message(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiotl_cli.workflows.train.train_model", no_memory, raising=False)
    monkeypatch.setattr("sklearn.pipeline.Pipeline.fit", no_memory)
    finished = run("train", "--out", "other.joblib", "--json")
    assert finished.code == 3
    assert finished.json["error"] == {
        "exit_code": 3,
        "message": "there is not enough memory (Unable to allocate 5.00 TiB)",
    }
    assert "ulimit -v" in finished.err
    assert not Path("other.joblib").exists()


def test_seed_files_are_not_called_damaged_for_want_of_memory(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("seed.npz").write_bytes(b"PK")
    monkeypatch.setattr("numpy.load", no_memory)
    finished = run("store", "import", "seed.npz", "--name", "seed", "--split", "train")
    assert finished.code == 3
    assert "not enough memory" in finished.err


# --- processors ----------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="nothing binds a process here")
def test_one_processor_is_enough(folder: Path, sounds: Path) -> None:
    def bind() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    finished = in_process(["extract", "--store", "one", "--json"], limit=bind)
    assert finished.code == 0
    assert finished.json["n_added"] == 24


# --- streams and settings of the system ----------------------------------------------


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
@pytest.mark.parametrize("command", ["index", "extract", "train", "predict", "label"])
def test_closed_streams_lead_nowhere(
    folder: Path, sounds: Path, command: str, closed: tuple[int, ...]
) -> None:
    args: dict[str, list[object]] = {
        "index": ["index", sounds, "--name", "again"],
        "extract": ["extract", "--store", "other"],
        "train": ["train", "--out", "again.joblib"],
        "predict": ["predict", sounds / "rain"],
        "label": ["label"],
    }
    made = {"index": "data/index/again.csv", "extract": "other", "train": "again.joblib"}

    def close() -> None:
        for number in closed:
            os.close(number)

    finished = in_process(args[command], limit=close)
    assert finished.code == 0
    assert Path(made.get(command, ".")).exists()
    assert "Error" not in finished.err


@pytest.mark.parametrize(
    "env",
    [{}, {"LC_ALL": "C"}, {"LANG": "nonsense", "LC_ALL": "nonsense"}, {"TERM": "dumb"}],
    ids=str,
)
def test_an_empty_environment_is_enough(
    folder: Path, sounds: Path, env: dict[str, str]
) -> None:  # no HOME, no PATH
    finished = in_process(["predict", sounds / "rain", "--json"], env=env)
    assert finished.code == 0
    assert len(finished.json) == 8


def test_a_umask_is_kept(folder: Path) -> None:
    def hide() -> None:
        os.umask(0o077)

    assert in_process(["extract", "--store", "mine"], limit=hide).code == 0
    made = [Path("mine"), *Path("mine").rglob("*")]
    assert len(made) > 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


# --- folders and disks ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["index", "SOUNDS"], 3),
        (["extract"], 3),
        (["train"], 3),
        (["predict", "x.wav"], 3),
        (["demo"], 3),
        (["models", "list"], 0),
        (["predict", "SOUNDS", "-m", "MODEL"], 0),
    ],
)
def test_a_current_folder_that_was_deleted_is_named(
    folder: Path, sounds: Path, tmp_path: Path, run: Run, args: list[str], code: int
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    given = {"SOUNDS": sounds, "MODEL": folder / "data/models/m.joblib"}
    os.chdir(gone)
    try:
        gone.rmdir()
        finished = run(*[given.get(arg, arg) for arg in args])
    finally:
        os.chdir(folder)
    assert finished.code == code
    assert ("The current folder was deleted" in finished.err) == (code != 0)
    assert "is a bug in audiotl" not in finished.err


@pytest.mark.parametrize("command", ["index", "extract", "train", "predict", "evaluate"])
def test_a_full_disk_is_said(
    folder: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    args: dict[str, list[object]] = {
        "index": ["index", sounds, "--name", "again", "--no-audit"],
        "extract": ["extract", "--store", "other"],
        "train": ["train", "--out", "again.joblib"],
        "predict": ["predict", sounds / "rain", "--format", "csv", "--output", "out.csv"],
        "evaluate": ["evaluate"],
    }
    fill_disk(monkeypatch)
    finished = run(*args[command])
    assert finished.code == 3
    assert "No space left on device" in finished.err
    assert "Free some disk space" in finished.err
    assert not list(Path().rglob("*.part"))
