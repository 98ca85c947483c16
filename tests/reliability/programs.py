"""The program as processes of their own, to be signalled, killed, and looked at afterwards."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.waiting import wait_until

MARK = "AUDIOTL_TEST_PROGRAM"

PROGRAM = """\
import sys
from audiotl_cli.audio import decoder_process
from tests.reliability.bad_decoder import CODE
decoder_process.CODE = CODE
{before}
from audiotl_cli.cli.main import main
main(sys.argv[1:])
"""
"""Runs the entry point with decoders that hang on files of that name."""


class Program:
    """A command line that runs, with folders of its own for temporary files and downloads.

    Parameters
    ----------
    folder : Path
        For output, temporary files and the cache; the project is the current folder.
    args : sequence of str
    before : str
        Python to run before the entry point.
    env : dict
    wrapped : sequence of str
        A program that runs Python, such as ``nohup``.
    """

    def __init__(
        self,
        folder: Path,
        args: Sequence[object],
        *,
        before: str = "",
        env: dict[str, str] | None = None,
        wrapped: Sequence[str] = (),
    ) -> None:
        self.temporary, self.cache = folder / "temporary", folder / "cache"
        for made in (self.temporary, self.cache):
            made.mkdir(exist_ok=True)
        self._out, self._err = folder / "stdout", folder / "stderr"
        self._mark = secrets.token_hex(8)
        code = PROGRAM.format(before=before)
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*wrapped, sys.executable, "-c", code, *map(str, args)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(folder)]),
                    "TMPDIR": str(self.temporary),
                    "AUDIOTL_CACHE": str(self.cache),
                    MARK: self._mark,
                    **(env or {}),
                },
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_for(self, what: Callable[[Program], object]) -> None:
        """Wait for something to become true; fail if the program ends before."""

        def happened() -> bool:
            ended = self.process.poll() is not None
            if what(self):
                return True
            assert not ended, f"ended with {self.process.returncode}: {self.err}"
            return False

        wait_until(happened)

    def end(self, number: int) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        try:
            return self.process.wait(timeout=60)
        finally:
            self.process.kill()
            assert self.process.stdin is not None
            self.process.stdin.close()

    def alive(self) -> list[str]:
        """Return the command lines of what the program started and is still there."""
        found = []
        for process in Path("/proc").iterdir():
            try:
                environment = (process / "environ").read_bytes()
                if f"{MARK}={self._mark}".encode() in environment:
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:  # ended meanwhile, or not ours to look at
                continue
        return [command for command in found if command]

    def leftovers(self, *folders: Path) -> list[Path]:
        """Return the temporary files below the project, the cache and other folders."""
        parts = [
            path
            for folder in (Path.cwd(), self.cache, *folders)
            for path in folder.rglob("*")
            if path.name.endswith(".part") or path.name.startswith("audiotl-")
        ]
        return [*parts, *self.temporary.iterdir()]
