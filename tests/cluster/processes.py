"""A scheduler and workers as processes of their own, on loopback, that end with the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.waiting import wait_until

QUICK = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "5s",
}


class Machines:
    """Starts processes of a cluster, and ends them all."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.env = os.environ | QUICK | {"PYTHONPATH": str(REPOSITORY)} | (env or {})
        self.file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process that leads a group of its own."""
        with (self.folder / "dask.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=self.env,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def scheduler(self, *options: str, port: int = 0) -> subprocess.Popen[bytes]:
        """Start a scheduler and wait until it has written its file."""
        self.file.unlink(missing_ok=True)
        process = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
            "--scheduler-file", str(self.file), *options,
        )  # fmt: skip
        wait_until(self.file.exists)
        return process

    @property
    def address(self) -> str:
        """Where the scheduler is."""
        return str(json.loads(self.file.read_text())["address"])

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker; the process is its nanny unless told otherwise."""
        return self.start(
            "worker", "--scheduler-file", str(self.file), "--nthreads", "1", "--no-dashboard",
            "--host", "127.0.0.1", "--local-directory", str(self.folder / "scratch"),
            "--death-timeout", "60", *options,
        )  # fmt: skip

    def end(self) -> None:
        """Kill every process, and what these started."""
        for process in self.processes:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children, and wait for it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)


def working(nanny: subprocess.Popen[bytes]) -> list[int]:
    """Return the processes a nanny keeps that do the work."""
    children = Path(f"/proc/{nanny.pid}/task/{nanny.pid}/children").read_text().split()
    found = []
    for child in children:
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"spawn_main" in command:
            found.append(int(child))
    return found


@contextmanager
def machines(folder: Path, env: dict[str, str] | None = None) -> Iterator[Machines]:
    """Give a place to start processes from."""
    started = Machines(folder, env)
    try:
        yield started
    finally:
        started.end()
