"""SIGTERM, SIGHUP and Ctrl-C: every command ends, cleans up, and says how to go on."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile

from audiotl_cli.dataset.catalog import fsdd
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import Run, run_in
from tests.reliability.programs import Program
from tests.security.hostile_server import serve, slow
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs signals and /proc")

FIT_WITHOUT_END = """
import pathlib, threading
from audiotl_cli.classifiers import trials
def try_one(self, setting, fold):
    pathlib.Path("fitting").touch()
    threading.Event().wait()
trials.Trials.try_one = try_one
"""

TRAIN_WITHOUT_END = """
import pathlib, threading
from sklearn.svm import LinearSVC
def fit(self, *args, **more):
    pathlib.Path("fitting").touch()
    threading.Event().wait()
LinearSVC.fit = fit
"""

MICROPHONE = """
import sys, threading, time, types
import numpy
def stream(*, blocksize, callback, **options):
    def play():
        while True:
            callback(numpy.zeros((blocksize, 1), numpy.float32), blocksize, None, None)
            time.sleep(0.05)
    start = threading.Thread(target=play, daemon=True).start
    return types.SimpleNamespace(start=start, close=lambda: None)
sys.modules["sounddevice"] = types.SimpleNamespace(
    PortAudioError=OSError, InputStream=stream,
    query_devices=lambda device, kind: {"default_samplerate": 22050},
)
"""

SHORT_GRACE = """
from audiotl_cli.cli import signals
signals.GRACE_S = 0.3
"""


@dataclass(frozen=True)
class Case:
    """A command at work, what shows that it is, and what it says when it was stopped."""

    args: tuple[str, ...]
    at_work: Callable[[Program], object]
    kept: str
    before: str = ""


def is_there(pattern: str) -> Callable[[Program], object]:
    return lambda program: list(Path.cwd().glob(pattern))


def decodes(program: Program) -> bool:
    return len(program.alive()) > 1


def embeds(program: Program) -> bool:
    """Return whether there is a shard beside the one that was there."""
    return len(list(Path.cwd().glob("data/features/*/shard-*.npz"))) > 1


STOPPED = "the same command starts from the beginning."
CASES = {
    "index": Case(
        ("index", "sounds"),
        decodes,
        "the same command continues where it stopped. Recordings that were already analysed",
    ),
    "extract": Case(
        ("extract", "--extractor", "mfcc", "--hop-s", "0.125"),
        embeds,
        "the same command continues where it stopped. The clips embedded so far are in the store.",
    ),
    "train": Case(
        ("train", "--classifier", "linear-svm", "--pooling", "mean"),
        is_there("fitting"),
        STOPPED,
        TRAIN_WITHOUT_END,
    ),
    "evaluate": Case(
        ("evaluate", "--cv", "2", "--classifier", "linear-svm", "--pooling", "mean"),
        is_there("fitting"),
        STOPPED,
        TRAIN_WITHOUT_END,
    ),
    "predict": Case(
        ("predict", "sounds", "--format", "jsonl"),
        decodes,
        "the same command starts from the beginning. The predictions written so far are kept.",
    ),
    "predict stdin": Case(
        ("predict", "-m", "data/models/m.joblib", "--format", "jsonl", "--stdin-audio"),
        lambda program: list(program.temporary.glob("audiotl-*/stdin")),
        "the same command starts from the beginning.",
    ),
    "predict --watch": Case(
        ("predict", "--watch", "sounds", "--interval", "0.1", "--format", "jsonl"),
        decodes,
        "the same command starts from the beginning. The predictions written so far are kept.",
    ),
    "listen": Case(
        ("listen",),
        lambda program: "Listening" in program.err,
        "the same command starts from the beginning. The events written so far are kept.",
        MICROPHONE,
    ),
    "label": Case(
        ("label", "--ask"),
        lambda program: "guess:" in program.out,
        "the same command continues where it stopped. The labels written so far are in the index.",
    ),
    "similar": Case(("similar", "sounds/zz/hang.wav"), decodes, STOPPED),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a project with features, a model, and recordings one of which hangs its decoder."""
    folder = tmp_path_factory.mktemp("made")
    run_in(
        folder,
        ["index", sounds, "--no-audit"],
        ["extract", "--extractor", "mfcc"],
        ["train", "--out", "data/models/m.joblib"],
    )
    index = folder / "data/index/sounds.csv"
    lines = index.read_text().splitlines()
    # one clip without a label, for `label`; one whose decoder hangs, for `extract`
    lines[2] = lines[2].replace(",chirp,", ",,", 1)
    shutil.copytree(sounds, folder / "sounds")
    (folder / "sounds/zz").mkdir()
    soundfile.write(folder / "sounds/zz/hang.wav", synthesise("rain", 70), SAMPLE_RATE)
    index.write_text("\n".join([*lines, f"{folder}/sounds/zz/hang.wav,rain,train,,,,"]) + "\n")
    return folder


@pytest.fixture
def project_of(made: Path, project: Path) -> Path:
    shutil.copytree(made, project, dirs_exist_ok=True)
    return project


def start(folder: Path, case: Case) -> Program:
    program = Program(folder, case.args, before=case.before)
    if "--stdin-audio" in case.args:
        assert program.process.stdin is not None
        program.process.stdin.write(b"RIFF" + bytes(1 << 20))
        program.process.stdin.flush()
    program.wait_for(case.at_work)
    return program


@pytest.mark.parametrize("name", CASES)
def test_sigterm_is_a_clean_end(project_of: Path, tmp_path: Path, name: str) -> None:
    if name == "index":
        shutil.rmtree(project_of / "data/index")
    program = start(tmp_path, CASES[name])

    code = program.end(signal.SIGTERM)

    assert code == 143
    lines = [line for line in program.err.splitlines() if "Stopped by SIGTERM" in line]
    assert len(lines) == 1
    assert CASES[name].kept in lines[0]
    assert "Traceback" not in program.err
    wait_until(lambda: not program.alive(), 10)
    assert program.leftovers() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_other_signals_end_it_alike(
    project_of: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    program = start(tmp_path, CASES["extract"])
    assert program.end(number) == code
    word = "Interrupted" if code == 130 else "Stopped by SIGHUP"
    assert f"{word}; the same command continues where it stopped." in program.err
    wait_until(lambda: not program.alive(), 10)
    assert program.leftovers() == []


def test_the_same_extraction_goes_on_after_sigterm(
    project_of: Path, tmp_path: Path, run: Run
) -> None:
    program = start(tmp_path, CASES["extract"])
    assert program.end(signal.SIGTERM) == 143
    again = run(*CASES["extract"].args, "--json").json
    assert again["n_skipped"] > 0
    assert again["n_added"] + again["n_skipped"] == 25


def test_a_signal_to_the_whole_group_fails_no_recording(project_of: Path, tmp_path: Path) -> None:
    program = start(tmp_path, CASES["extract"])
    os.killpg(program.process.pid, signal.SIGTERM)
    assert program.wait() == 143
    assert "failed" not in program.err
    wait_until(lambda: not program.alive(), 10)


def test_with_json_the_error_says_which_signal(project_of: Path, tmp_path: Path) -> None:
    case = CASES["train"]
    program = start(
        tmp_path, Case((*case.args, "--json", "--quiet"), case.at_work, "", case.before)
    )
    assert program.end(signal.SIGTERM) == 143
    error = '{"error": {"exit_code": 143, "message": "stopped by SIGTERM"}}'
    assert program.out == f"{error}\n"
    assert (
        program.err.splitlines()[-1]
        == "Stopped by SIGTERM; the same command starts from the beginning."
    )


def test_what_does_not_end_by_itself_is_ended(project_of: Path, tmp_path: Path) -> None:
    args = ("tune", "--extractor", "mfcc", "--out", "data/models/t.joblib")
    program = start(
        tmp_path, Case(args, is_there("fitting"), "", FIT_WITHOUT_END + SHORT_GRACE)
    )  # its threads fit without end: nothing in the program can stop them
    assert program.end(signal.SIGTERM) == 143
    assert "Stopped by SIGTERM; the same command continues where it stopped." in program.err
    wait_until(lambda: not program.alive(), 10)
    assert program.leftovers() == []


def test_nohup_is_obeyed(project_of: Path, tmp_path: Path) -> None:
    program = Program(tmp_path, CASES["extract"].args, wrapped=["nohup"])
    program.wait_for(CASES["extract"].at_work)
    program.process.send_signal(signal.SIGHUP)
    assert program.end(signal.SIGTERM) == 143


def test_workers_of_a_local_cluster_end_too(project_of: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    args = (*CASES["extract"].args, "--cluster", "local[1]")
    program = start(tmp_path, Case(args, is_there("data/features/*/pieces/run-*"), ""))
    assert program.end(signal.SIGTERM) == 143
    assert "Traceback" not in program.err
    wait_until(lambda: not program.alive(), 20)
    assert program.leftovers() == []


# --- downloads -----------------------------------------------------------------------


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return "AUDIOTL_MIRROR"


def test_a_download_of_weights_ends(project: Path, tmp_path: Path, mirror: str) -> None:
    with serve({"/audioset/yamnet.h5": slow(bytes(200_000))}) as server:
        program = Program(tmp_path, ["models", "fetch", "yamnet"], env={mirror: server.url})
        program.wait_for(
            lambda running: [p for p in running.cache.rglob("*.part") if p.stat().st_size]
        )
        assert program.end(signal.SIGTERM) == 143
    assert STOPPED in program.err
    assert program.leftovers() == []


def test_a_download_of_a_data_set_is_kept(project: Path, tmp_path: Path, mirror: str) -> None:
    archive = fsdd.DATASET.archives[0]
    path = "/" + archive.url.split("/", 3)[3]
    part = Path(f"data/audio/downloads/fsdd/{archive.file_name}.part")
    with serve({path: slow(bytes(200_000))}) as server:
        args = ["datasets", "fetch", "fsdd"]
        program = Program(tmp_path, args, env={mirror: server.url})
        program.wait_for(lambda _: part.exists() and part.stat().st_size)
        assert program.end(signal.SIGTERM) == 143
        kept = part.stat().st_size
        again = Program(tmp_path, args, env={mirror: server.url})
        again.wait_for(lambda _: len(server.asked) == 2)
        assert again.end(signal.SIGTERM) == 143
    assert "continues where it stopped. Downloaded parts of the archives are kept." in program.err
    assert kept >= 100_000
    assert server.asked[1][1]["Range"] == f"bytes={kept}-"


def test_a_package_client_ends_too(project: Path, tmp_path: Path) -> None:
    client, runs = tmp_path / "client", project / "client-runs"
    client.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(runs))}\nexec sleep 600\n")
    client.chmod(0o755)
    program = Program(
        tmp_path,
        ["models", "fetch", "musicnn"],
        before=f"sys.executable = {str(client)!r}",
    )
    program.wait_for(is_there("client-runs"))
    assert program.end(signal.SIGTERM) == 143
    wait_until(lambda: not program.alive(), 10)
    assert program.leftovers() == []


# --- runs that were killed ------------------------------------------------------------


def test_what_a_killed_run_left_goes_at_the_next_start_and_nothing_else(
    project_of: Path, tmp_path: Path
) -> None:
    case = CASES["predict stdin"]
    killed = start(tmp_path, case)
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    (left,) = killed.temporary.glob("audiotl-*")
    at_work = Program(tmp_path, case.args)
    assert at_work.process.stdin is not None
    at_work.process.stdin.write(bytes(1 << 20))
    at_work.process.stdin.flush()
    at_work.wait_for(lambda running: len(list(running.temporary.glob("audiotl-*/stdin"))) == 2)
    (used,) = set(killed.temporary.glob("audiotl-*")) - {left}
    others = [killed.temporary / name for name in ("audiotl-mine", "audiotl-12345678x", "x.part")]
    for path in others:
        path.mkdir()
    for path in (left, used, *others):
        os.utime(path, (1e9, 1e9))  # long ago

    next_start = Program(tmp_path, ["models", "list"])

    assert next_start.wait() == 0
    assert not left.exists()
    assert all(path.exists() for path in (used, *others))
    assert at_work.end(signal.SIGTERM) == 143
    assert not used.exists()


def test_what_was_half_written_goes_when_its_folder_is_written_to(project: Path, run: Run) -> None:
    folder = Path("data/index")
    folder.mkdir(parents=True)
    old, mine = folder / ".other.csv.123-a1b2c3.part", folder / ".notes.part"
    new = folder / ".new.csv.123-a1b2c3.part"
    for path in (old, mine, new):
        path.write_text("half")
    for path in (old, mine):
        os.utime(path, (1e9, 1e9))
    (Path("sounds") / "a").mkdir(parents=True)
    soundfile.write("sounds/a/1.wav", synthesise("rain", 1), SAMPLE_RATE)

    assert run("index", "sounds", "--no-audit").code == 0

    assert not old.exists()
    assert mine.exists()  # nobody knows whose that is
    assert new.exists()  # its maker may be about to lock it
