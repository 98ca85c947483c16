"""Measure the run time of each command as a separate process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from audiotl_cli.dataset.demo_sounds import write_demo_sounds
from benchmarks.corpus import REPOSITORY, write_joined

COMMANDS = ("index", "extract", "train", "evaluate", "predict", "models", "store", "demo")
IMPORT = "import tensorflow"


def measure_startup(n_rounds: int) -> dict[str, Any]:
    """Return the median seconds of each command line.

    The command lines take turns, so that what disturbs the machine for a while disturbs
    all. `extract` finds everything there already, `predict` is given 10 s of audio.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        _prepare(project)
        runs = {"python -c pass": ["-c", "pass"], f"python -c '{IMPORT}'": ["-c", IMPORT]}
        helps = [["--help"], *([command, "--help"] for command in COMMANDS)]
        work = [
            ["index", "sounds"],
            ["extract"],
            ["train"],
            ["evaluate"],
            ["predict", "ten.wav"],
            ["models", "list"],
            ["store", "info"],
        ]
        for words in (*helps, *work):
            runs[" ".join(("audiotl", *words))] = ["-P", "-m", "audiotl_cli", *words]
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(n_rounds):
            for name, arguments in runs.items():
                started = time.perf_counter()
                _python(project, arguments)
                times[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    predict = medians["audiotl predict ten.wav"] / medians[f"python -c '{IMPORT}'"]
    return {"n_rounds": n_rounds, "median_s": medians, "predict_over_import": predict}


def _prepare(project: Path) -> None:
    """Create a small project for all commands."""
    write_demo_sounds(project / "sounds", range(4))
    recordings = sorted((project / "sounds").rglob("*.wav"))
    write_joined(recordings, project / "ten.wav", 10.0)
    for command in (["index", "sounds"], ["extract"], ["train"]):
        _python(project, ["-P", "-m", "audiotl_cli", *command])


def _python(project: Path, arguments: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=project, env=environment
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()}")
