"""Measure the cost of ``audiotl evaluate`` with many clips or many labels.

``python -m benchmarks.evaluating [--folder FOLDER] [--case NAME ...]``: writes made features
(one frame a clip, no audio) into a store by the store's own writer, trains a model on part of
them and then runs ``audiotl evaluate`` on the rest in a process of its own. Prints one line of
JSON a case: seconds, peak memory, and the bytes of what was written.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore
from benchmarks.out_of_core import peak_mb

DIM = 128


@dataclass(frozen=True)
class Case:
    """One evaluation.

    Parameters
    ----------
    name : str
    n_train, n_test, n_labels : int
    labels_a_clip : int
    classifier : str
    cv : bool
        Whether the clips tested are cross-validated, instead of evaluating a saved model.
    n_groups : int
        How many groups the clips come from; 0 for none.
    """

    name: str
    n_train: int
    n_test: int
    n_labels: int
    labels_a_clip: int = 1
    classifier: str = "logreg"
    cv: bool = False
    n_groups: int = 0


CASES = (
    Case("many labels", 6_000, 6_000, 1_500, classifier="perceptron"),
    Case("many clips", 5_000, 50_000, 10),
    Case("many clips, groups", 5_000, 50_000, 10, n_groups=2_000),
    Case("many labels, multi-label", 6_000, 6_000, 1_500, 3, classifier="perceptron"),
    Case("many clips, multi-label", 5_000, 50_000, 10, 2),
    Case("many labels, cross-validated", 0, 6_000, 1_500, classifier="knn", cv=True),
    Case("many clips, cross-validated", 0, 50_000, 10, classifier="perceptron", cv=True),
)


def write_project(folder: Path, case: Case) -> None:
    """Write an index and a store of synthetic clips into a project folder."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 0.5, (case.n_labels, DIM)).astype(np.float32)
    store = FeatureStore.create(folder / "data/features", "made", DIM, {"imported": "made"})
    clips = []
    with store.writer() as writer:
        for i in range(case.n_train + case.n_test):
            numbers = [i % case.n_labels, *rng.integers(case.n_labels, size=case.labels_a_clip - 1)]
            frame = centres[numbers].sum(axis=0) + rng.standard_normal(DIM, np.float32)
            key = f"{i:064x}"
            label = ";".join(f"label {number}" for number in numbers)
            group = f"group {i % case.n_groups}" if case.n_groups else ""
            split = "train" if i < case.n_train else "test"
            path = f"recordings/{i // 100}/{i}.wav"
            clips.append(Clip(path, label, split, str(i % 3), group, sha256=key))
            writer.add(key, Features(frame[None], np.zeros(1)))
    Index(clips, folder / "audio").write(folder / "data/index/made.csv")


def measure(folder: Path, case: Case) -> dict[str, object]:
    """Train a model unless there is one, evaluate it, and return the cost."""
    if not (folder / "data/index/made.csv").exists():
        write_project(folder, case)
    if not case.cv and not list(folder.glob("data/models/*.joblib")):
        _run(folder, "train", "--classifier", case.classifier, "--pooling", "mean")
    asked = ("--cv", "fold", "--classifier", case.classifier) if case.cv else ()
    seconds, peak, printed = _run(folder, "evaluate", *asked, "--json")
    written = {
        path.name: path.stat().st_size for path in sorted(folder.glob("data/experiments/*/*"))
    }
    accuracy = json.loads(printed)["accuracy"]
    return {
        **asdict(case),
        "accuracy": round(accuracy, 3),
        "seconds": seconds,
        "peak_mb": peak,
        "json_mb": round(len(printed) / 1e6, 1),
        "files_mb": {name: round(size / 1e6, 1) for name, size in written.items()},
    }


def _run(folder: Path, *arguments: str) -> tuple[float, int, bytes]:
    """Run a command in a separate process; return seconds, peak memory and its output."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "audiotl_cli", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return round(time.monotonic() - started, 1), peak_mb(usage), printed


def main() -> None:
    """Print one line of JSON per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--folder", type=Path, help="folder that is kept and reused")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for case in CASES:
            if options.case and case.name not in options.case:
                continue
            folder = (options.folder or Path(scratch)) / case.name
            print(json.dumps(measure(folder, case)), flush=True)


if __name__ == "__main__":
    main()
