"""Measure how long `audiotl predict` takes for one recording of 10 s, start included."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.corpus import REPOSITORY
from benchmarks.machine import environment

MODEL = "model.joblib"
RATE, CLIP_S, RECORDING_S = 44_100, 1, 10


def predict_seconds(project: Path, cache: Path | None, n_rounds: int) -> float:
    """Return the median seconds of `audiotl predict` by the model that `train` made."""
    words = ["predict", "ten.wav", "--model", MODEL]
    return statistics.median(run(project, words, cache) for _ in range(n_rounds))


def train(project: Path, words: list[str], cache: Path | None) -> None:
    """Make a model of four clips.

    Parameters
    ----------
    project : Path
    words : list of str
        Options of `audiotl extract`, which name a network.
    cache : Path or None
        A folder of weights; None is the user's own.
    """
    _write_sounds(project)
    for command in (["index", "sounds"], ["extract", *words], ["train", "--out", MODEL]):
        run(project, command, cache)


def run(project: Path, words: list[str], cache: Path | None = None) -> float:
    """Run `audiotl` with `words` in a project, as a process, and return its seconds."""
    return run_python(project, ["-P", "-m", "audiotl_cli", *words], cache)


def run_python(project: Path, words: list[str], cache: Path | None = None) -> float:
    """Run Python with `words` in a project, and return its seconds."""
    variables = {**environment(cache), "PYTHONPATH": str(REPOSITORY)}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, cwd=project, env=variables
    )
    if done.returncode:
        reason = done.stderr.strip() or "it failed"
        raise RuntimeError(f"{' '.join(words)}: {' '.join(reason.split())}")
    return time.perf_counter() - started


def _write_sounds(project: Path) -> None:
    """Write two clips each of noise and of tones, and a recording of 10 s."""
    rng = np.random.default_rng(0)
    for number in range(2):
        seconds = np.arange(CLIP_S * RATE) / RATE
        sounds = {
            "noise": 0.1 * rng.standard_normal(len(seconds)),
            "tone": 0.3 * np.sin(2 * np.pi * (440 + 100 * number) * seconds),
        }
        for label, samples in sounds.items():
            folder = project / "sounds" / label
            folder.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / f"{number}.wav", samples, RATE)
    soundfile.write(project / "ten.wav", 0.1 * rng.standard_normal(RECORDING_S * RATE), RATE)
