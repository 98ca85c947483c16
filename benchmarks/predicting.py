"""Compare the cost of predicting with that of extracting.

``python -m benchmarks.predicting FOLDER [--extractor NAME] [--rounds N]``: ``audiotl extract``
into
a new store and ``audiotl predict`` of the same recordings take turns, each a process of its own,
start included. Prints medians of their wall time, of the CPU time of their processes, and the
quotients. FOLDER has a folder a label; the model is trained on it, at the defaults.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.corpus import REPOSITORY

Costs = dict[str, float]


def run(project: Path, *words: str) -> Costs:
    """Run a command line; return its wall-clock and CPU seconds."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "audiotl_cli", *words, "--quiet"],
        capture_output=True,
        text=True,
        cwd=project,
        env=environment,
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": cpu}


def measure(folder: Path, extractor: str, n_rounds: int) -> dict[str, Costs]:
    """Return the medians of both commands and their ratios."""
    rounds: dict[str, list[Costs]] = {"extract": [], "predict": []}
    with tempfile.TemporaryDirectory() as made:
        project = Path(made)
        run(project, "index", str(folder), "--name", "all")
        run(project, "extract", "--extractor", extractor)
        run(project, "train", "--out", "model.joblib")
        for number in range(n_rounds):
            store = f"stores/{number}"
            rounds["extract"].append(
                run(project, "extract", "--extractor", extractor, "--store", store)
            )
            words = ("predict", str(folder), "--model", "model.joblib", "--output", "predicted.csv")
            rounds["predict"].append(run(project, *words))
    found = {
        name: {key: statistics.median(cost[key] for cost in costs) for key in costs[0]}
        for name, costs in rounds.items()
    }
    over = {key: found["predict"][key] / found["extract"][key] for key in found["extract"]}
    return {**found, "predict_over_extract": over}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extractor", default="yamnet")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.folder.resolve(), asked.extractor, asked.rounds), indent=2))


if __name__ == "__main__":
    main()
