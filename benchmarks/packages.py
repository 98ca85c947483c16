"""Published packages to compare with, each in a virtual environment of its own.

An environment is made once, in ``AUDIOTL_BENCH_CACHE`` or the user's cache folder, because these
packages need older versions of libraries.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from audiotl_cli.programs import find_program

PYTHON = "3.11"  # the last for which all of the pinned versions exist
INSTALL_S = 900


class UnavailableError(Exception):
    """The package cannot be installed or run on this machine; the message says why."""


@dataclass(frozen=True)
class Package:
    """A package and what it needs, all pinned.

    Parameters
    ----------
    pin : str
        Installed without its requirements, which may not exist any more.
    needed : tuple of str
    script : str
        A file of this folder, which runs in the environment and prints JSON in its last line.
    """

    pin: str
    needed: tuple[str, ...]
    script: str

    def run(self, *arguments: str | Path) -> Any:
        """Run the script, and return what it prints.

        Raises
        ------
        UnavailableError
        """
        command = [self._python(), Path(__file__).with_name(self.script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_clean())
        if done.returncode:
            raise UnavailableError((done.stderr.strip() or "it failed").splitlines()[-1])
        return json.loads(done.stdout.splitlines()[-1])

    def _python(self) -> Path:
        """Return the Python of the package's environment, which is created if necessary."""
        cache = os.environ.get("AUDIOTL_BENCH_CACHE") or platformdirs.user_cache_dir(
            "audiotl-bench"
        )
        folder = Path(cache) / self.pin
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        ready = folder / ".ready"
        wanted = " ".join((*self.needed, self.pin))
        if not (ready.is_file() and ready.read_text(encoding="utf-8") == wanted):
            pip = [str(python), "-P", "-m", "pip", "--disable-pip-version-check", "install"]
            _install(
                [_base(), "-I", "-m", "venv", "--clear", str(folder)],
                [*pip, *self.needed],
                [*pip, "--no-deps", self.pin],
            )
            ready.write_text(wanted, encoding="utf-8")
        return python


def _base() -> str:
    same = sys.version.startswith(f"{PYTHON}.")
    base = sys.executable if same else find_program(f"python{PYTHON}")
    if not base:
        raise UnavailableError(f"it needs Python {PYTHON}, which is not installed")
    return base


def _install(*commands: list[str]) -> None:
    """Run commands that make an environment, within `INSTALL_S`."""
    started = time.perf_counter()
    for command in commands:
        left_s = max(1, INSTALL_S - (time.perf_counter() - started))
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=left_s)
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip() or str(error)).splitlines()[-1]
            raise UnavailableError(f"its environment cannot be created: {reason}") from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(
                f"its environment was not created within {INSTALL_S} s"
            ) from error


def _clean() -> dict[str, str]:
    """Return the environment variables without paths to the packages of this environment."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
