"""What a command does where its output goes to a closed, narrow, full or foreign place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="redirects by a POSIX shell")


@pytest.fixture
def odd(project: Path, sounds: Path) -> Path:
    """Return a folder of recordings whose names are hard to print."""
    folder = project / "odd"
    for label in ("caf\u00e9", "broken\udcff", "\u732b"):
        os.makedirs(folder / label)  # noqa: PTH103
        shutil.copy(sounds / "rain/rain-00.wav", folder / label / "x.wav")
        shutil.copy(sounds / "rain/rain-01.wav", folder / label / "y.wav")
    return folder


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell command in which ``audiotl`` is the program."""
    program = f'audiotl() {{ {sys.executable} -m audiotl_cli "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", program],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | variables,
    )


def test_ascii_streams_get_escapes(odd: Path) -> None:
    done = shell("audiotl index odd", PYTHONIOENCODING="ascii:strict")

    assert done.returncode == 0
    assert rb"broken\xff" in done.stdout
    assert rb"caf\xe9" in done.stdout
    assert rb"\u732b" in done.stdout
    assert (done.stdout + done.stderr).isascii()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(odd: Path, closed: str) -> None:
    done = shell(f"audiotl index odd {closed}")

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert Path("data/index/odd.csv").read_bytes().count(b"\n") == 7


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_pipe_that_nobody_reads_ends_the_run_quietly(odd: Path, option: str) -> None:
    done = shell(f"audiotl index odd -q {option} | true; exit ${{PIPESTATUS[0]}}")

    assert done.returncode == 141
    assert done.stderr == b""


def test_help_that_nobody_reads_ends_the_same_way(project: Path) -> None:
    done = shell("audiotl --help | true; exit ${PIPESTATUS[0]}")

    assert (done.returncode, done.stderr) == (141, b"")


def test_notes_that_nobody_reads_do_not_end_the_run(odd: Path) -> None:
    done = shell("audiotl index odd 2> >(exec true); echo $?")

    assert done.stdout.splitlines()[-1] == b"0"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_said(odd: Path) -> None:
    done = shell("audiotl index odd --json > /dev/full")

    assert done.returncode == 3
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_names_with_broken_bytes_come_from_stdin(odd: Path) -> None:
    done = shell("find odd -name 'x.wav' | audiotl predict - --json", PYTHONIOENCODING="utf-8")

    assert done.returncode == 3  # there is no model; but the names were read
    assert "no model" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["extract"], 3, "there is no index in data/index"),
        (["train"], 3, "there is no index"),
        (["train", "--param", "C"], 2, "--param is 'C', expected NAME=VALUE"),
        (["index", "gone"], 3, "gone: no such folder"),
        (["extract", "--no-such-option"], 2, "--no-such-option"),
        (["extract", "--workers", "0"], 2, "--workers"),
        (["store", "info"], 3, "there is no feature store"),
        (["nothing"], 2, "No such command 'nothing'"),
    ],
)
def test_a_failure_is_one_json_value_as_well(
    project: Path, run: Run, args: list[str], code: int, message: str
) -> None:
    finished = run(*args, "--json")

    assert finished.code == code
    assert finished.json.keys() == {"error"}
    assert finished.json["error"]["exit_code"] == code
    assert message in finished.json["error"]["message"]
    assert finished.err
    assert run(*args).out == ""


def test_ctrl_c_says_what_is_true(
    project: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("audiotl_cli.workflows.audit.measure_clips", interrupt)

    finished = run("index", sounds, "--json")

    assert finished.code == 130
    assert "Interrupted; the same command continues where it stopped." in finished.err
    assert finished.json["error"] == {"exit_code": 130, "message": "interrupted"}
