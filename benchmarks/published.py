"""Compare audiotl with the published MusiCNN package on the same file, hop and cores.

It lives in a virtual environment of its own, made once in ``AUDIOTL_BENCH_CACHE`` (by
default in the user's cache folder), because it needs an older TensorFlow and NumPy.

The package builds its graph and reads its weights anew at every call, so two files are
measured, a short and a long one, and the rate is that between them: what both begin with
falls out, for the package as for ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import platformdirs

from audiotl_cli.programs import find_program
from benchmarks.arithmetic import marginal_rate
from benchmarks.corpus import write_joined
from benchmarks.machine import in_own_process

PYTHON = "3.11"  # the last that TensorFlow 2.15 and this NumPy both come for
NEEDED = ("tensorflow==2.15.1", "librosa==0.10.2.post1", "numpy==1.26.4", "soundfile")
PACKAGE = "musicnn==0.1.0"
SCRIPT = Path(__file__).with_name("published_musicnn.py")
INSTALL_S = 900


class UnavailableError(Exception):
    """The package cannot be installed or run on this machine; the message says why."""


def measure_published(wavs: list[Path], lengths_s: tuple[float, float]) -> dict[str, Any]:
    """Return the rates of the package and of audiotl, seconds of audio per second, and their ratio.

    Parameters
    ----------
    wavs : list of Path
        Joined to make the files.
    lengths_s : (float, float)
        Of the short and the long file.

    Raises
    ------
    UnavailableError
    """
    python = _environment()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{length:.0f}.wav") for length in lengths_s]
        for file, length in zip(files, lengths_s, strict=True):
            write_joined(wavs, file, length)
        theirs = _their_seconds(python, [*files, wavs[0]])
        paths = [str(file) for file in files]
        ours = in_own_process("benchmarks.published", paths=paths)
    found: dict[str, Any] = {"package": PACKAGE, "lengths_s": lengths_s}
    for name, seconds in (*theirs.items(), ("ours", ours)):
        short, long = zip(lengths_s, seconds, strict=False)
        found[name] = {"wall_s": seconds[:2], "rate": marginal_rate(short, long)}
    found["one_clip_s"] = theirs["features"][2]
    found["ratio"] = found["ours"]["rate"] / found["features"]["rate"]
    found["ratio_taggram"] = found["ours"]["rate"] / found["taggram"]["rate"]
    return found


def measure(paths: list[str]) -> list[float]:
    """Return the seconds that audiotl takes to extract each file, the best of 3."""
    from audiotl_cli.extractors.registry import load_extractor
    from benchmarks.machine import best_of, n_cores
    from benchmarks.parts import _extract

    extractor = load_extractor("musicnn")
    extractor.use_threads(n_cores())
    _extract(extractor, [Path(paths[0])])
    return [best_of(lambda: _extract(extractor, [Path(path)]), at_least=3) for path in paths]  # noqa: B023


def _their_seconds(python: Path, files: list[Path]) -> dict[str, list[float]]:
    done = subprocess.run(
        [python, SCRIPT, *files], capture_output=True, text=True, check=False, env=_clean()
    )
    if done.returncode:
        raise UnavailableError((done.stderr.strip() or "it failed").splitlines()[-1])
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment() -> Path:
    """Return the Python of the package's environment, which is created if necessary."""
    cache = os.environ.get("AUDIOTL_BENCH_CACHE") or platformdirs.user_cache_dir("audiotl-bench")
    folder = Path(cache) / "published"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / ".ready"
    wanted = " ".join((*NEEDED, PACKAGE))
    if ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
        return python
    base = (
        sys.executable if sys.version.startswith(f"{PYTHON}.") else find_program(f"python{PYTHON}")
    )
    if not base:
        raise UnavailableError(f"it needs Python {PYTHON}, which is not installed")
    pip = [str(python), "-P", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    started = time.perf_counter()
    for command in (
        [base, "-I", "-m", "venv", "--clear", str(folder)],
        [*pip, *NEEDED],
        [*pip, "--no-deps", PACKAGE],
    ):
        left_s = INSTALL_S - (time.perf_counter() - started)
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=max(1, left_s)
            )
        except subprocess.CalledProcessError as error:
            reason = (error.stderr.strip() or str(error)).splitlines()[-1]
            raise UnavailableError(f"its environment cannot be created: {reason}") from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(
                f"its environment was not created within {INSTALL_S} s"
            ) from error
    ready.write_text(wanted, encoding="utf-8")
    return python


def _clean() -> dict[str, str]:
    """Return the environment variables without paths to the packages of this environment."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
