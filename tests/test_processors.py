"""How many processors are used, on machines that lend a process only some."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audiotl_cli import processors
from audiotl_cli.audio import isolated
from audiotl_cli.audio.decoder_process import DecoderProcess
from audiotl_cli.processors import machine_memory, n_processors
from tests.conftest import Run


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the machine have eight processors, and control groups in a folder of the test."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(processors, "CGROUPS", tmp_path)
    monkeypatch.setattr(processors, "OWN_CGROUPS", tmp_path / "own")
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_limits_all_that_the_process_is_bound_to_count() -> None:
    assert n_processors() == 8


@pytest.mark.parametrize(
    ("limit", "n"),
    [("max 100000", 8), ("150000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)],
)
def test_the_quota_of_a_control_group_counts(machine: Path, limit: str, n: int) -> None:
    put(machine / "own", "0::/slice/job\n")
    put(machine / "slice/job/cpu.max", limit)
    assert n_processors() == n


def test_the_quota_of_a_group_around_it_counts_too(machine: Path) -> None:
    put(machine / "own", "0::/slice/job\n")
    put(machine / "slice/cpu.max", "300000 100000")
    put(machine / "slice/job/cpu.max", "max 100000")
    assert n_processors() == 3


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct"])
def test_the_older_control_groups_count_too(machine: Path, controllers: str) -> None:
    put(machine / "own", f"9:memory:/job\n2:{controllers}:/job\n")
    put(machine / controllers / "cpu.cfs_quota_us", "-1")
    put(machine / controllers / "job/cpu.cfs_quota_us", "400000")
    put(machine / controllers / "job/cpu.cfs_period_us", "100000")
    assert n_processors() == 4


def test_what_is_not_a_quota_is_none(machine: Path) -> None:
    put(machine / "own", "0::/\nnonsense\n")
    put(machine / "cpu.max", "nonsense")
    assert n_processors() == 8


@pytest.mark.parametrize(
    ("own", "limit"),
    [
        ("0::/slice/job", "slice/memory.max"),
        ("0::/elsewhere", "memory.max"),
        ("4:memory:/job", "memory/job/memory.limit_in_bytes"),
    ],
)
def test_the_limit_of_memory_counts(machine: Path, own: str, limit: str) -> None:
    put(machine / "own", own)
    put(machine / "slice/job/memory.max", "max")
    put(machine / limit, str(64 << 20))
    assert machine_memory() == 64 << 20


def test_an_audit_on_one_processor_starts_one_decoder(
    project: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def start() -> DecoderProcess:
        started.append(DecoderProcess())
        return started[-1]

    monkeypatch.setattr(isolated, "DecoderProcess", start)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    run("index", sounds)
    assert len(started) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="nothing binds a process here")
def test_a_process_bound_to_one_processor_uses_one() -> None:
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from audiotl_cli.extractors.runtime import thread_count\n"
        "print(thread_count())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == [b"1"]
