"""Measure time and memory of training on a million frames with ``--pooling vote``.

``python -m benchmarks.out_of_core [--frames N] [--dim N] [--folder FOLDER]``: writes made
frames (10 labels, 20 frames a clip) into a store by the store's own writer, then runs ``audiotl
train`` on them in a process of its own, once a classifier.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore

N_LABELS, FRAMES_A_CLIP = 10, 20
CLASSIFIERS = ("perceptron", "linear-svm")


def write_store(folder: Path, n_frames: int, dim: int) -> None:
    """Write an index and a store of synthetic clips into a project folder."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 0.25, (N_LABELS, dim)).astype(np.float32)
    store = FeatureStore.create(folder / "data/features", "made", dim, {"imported": "made"})
    clips = []
    with store.writer() as writer:
        for i in range(n_frames // FRAMES_A_CLIP):
            label = i % N_LABELS
            noise = rng.standard_normal((FRAMES_A_CLIP, dim), np.float32)
            key = f"{i:064x}"
            split = "test" if i % 10 == i // 10 % 10 else "train"
            clips.append(Clip(f"{i}.wav", f"label{label}", split, sha256=key))
            writer.add(key, Features(centres[label] + noise, np.arange(float(FRAMES_A_CLIP))))
    Index(clips, folder / "audio").write(folder / "data/index/made.csv")


def train(folder: Path, classifier: str, memory_mb: int | None) -> dict[str, object]:
    """Train in a separate process; return its output, seconds and peak memory."""
    command = [sys.executable, "-P", "-m", "audiotl_cli", "train", "--classifier", classifier]
    command += ["--pooling", "vote", "--json"]
    command += [] if memory_mb is None else ["--memory-mb", str(memory_mb)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    value = json.loads(output)
    return {
        "classifier": classifier,
        "streamed": value["streamed"],
        "accuracy": value["held_out"]["accuracy"],
        "seconds": round(time.monotonic() - started, 1),
        "peak_mb": peak_mb(usage),
    }


def peak_mb(usage: resource.struct_rusage) -> int:
    """Return the peak memory of a process, in megabytes (10^6 bytes)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(usage.ru_maxrss * unit / 1e6)


def main() -> None:
    """Print one line of JSON per classifier."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=753)
    parser.add_argument("--memory-mb", type=int)
    parser.add_argument("--folder", type=Path, help="folder that is kept and reused")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "data/index/made.csv").exists():
            write_store(folder, options.frames, options.dim)
        for classifier in CLASSIFIERS:
            print(json.dumps(train(folder, classifier, options.memory_mb)), flush=True)


if __name__ == "__main__":
    main()
