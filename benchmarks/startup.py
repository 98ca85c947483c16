"""Measure the run time of each command as a separate process."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from audiotl_cli.dataset.demo_sounds import write_demo_sounds
from benchmarks.corpus import write_joined
from benchmarks.start import run, run_python

COMMANDS = ("index", "extract", "train", "evaluate", "predict", "models", "store", "demo")
IMPORTS = ("import onnxruntime", "import tensorflow")


def measure_startup(n_rounds: int) -> dict[str, Any]:
    """Return the median seconds of each command line.

    The command lines take turns, so that what disturbs the machine for a while disturbs
    all. `extract` finds everything there already, `predict` is given 10 s of audio.
    """
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        _prepare(project)
        runs = {f"python -c '{code}'": ["-c", code] for code in ("pass", *IMPORTS)}
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
                times[name].append(run_python(project, arguments))
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {"n_rounds": n_rounds, "median_s": medians}


def _prepare(project: Path) -> None:
    """Create a small project for all commands."""
    write_demo_sounds(project / "sounds", range(4))
    recordings = sorted((project / "sounds").rglob("*.wav"))
    write_joined(recordings, project / "ten.wav", 10.0)
    for command in (["index", "sounds"], ["extract"], ["train"]):
        run(project, command)
