"""Measure the speed of a cluster on this machine, and the growth of its cost with the clips.

``python -m benchmarks.cluster [--speed] [--scale] [--sizes N ...] [--output FOLDER]``

Speed: recordings repeated to 4000 clips (stretches that begin a hundredth of a second apart, so
that no two are the same), embedded by one process and by 1, 2 and 4 worker processes; starting
and ending workers is in their time. Scale: see `benchmarks.cluster_scale`; nothing may grow
faster than the number of clips, and doing nothing on a million must take less than a minute.
Earlier results in ``cluster.json`` are kept until they are measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import soundfile

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import extract_features
from benchmarks.cluster_scale import cpu_s, measure_scale
from benchmarks.corpus import make_corpus
from benchmarks.machine import describe, in_own_process

SIZES = [10_000, 100_000, 1_000_000]
N_SPEED_CLIPS = 4000
WORKERS = (0, 1, 2, 4)  # 0: one process, without a cluster
STEP_S = 0.01
LINEAR = 1.5  # largest allowed growth per clip between sizes, because timings on busy machines vary
NOOP_S = 60.0
GROWING = ("clip_ms", "cpu_ms", "open_s", "read_index_s", "again_s", "scheduler_mb", "most_tasks")


def measure_speed(extractor: str, audio: Path | None) -> list[dict[str, Any]]:
    """Measure one process and several workers, each in a separate process."""
    with tempfile.TemporaryDirectory() as name:
        corpus = make_corpus(Path(name), audio)
        found = [
            in_own_process(
                "benchmarks.cluster",
                folder=str(corpus.folder / "ogg"),
                extractor=extractor,
                n_workers=n,
            )
            for n in WORKERS
        ]
    for row in found:
        row["relative"] = row["rate"] / found[0]["rate"]
    return found


def measure(folder: str, extractor: str, n_workers: int) -> dict[str, Any]:
    """Embed 4000 stretches of the recordings in a folder."""
    paths = sorted(Path(folder).iterdir())
    lengths = {path.name: soundfile.info(path).duration for path in paths}
    clips = []
    for number in range(N_SPEED_CLIPS):
        name = paths[number % len(paths)].name
        clips.append(Clip(name, start_s=number // len(paths) * STEP_S, end_s=lengths[name]))
    network = load_extractor(extractor)
    cluster = f"local[{n_workers}]" if n_workers else None
    load = os.getloadavg()[0]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as store:
        report = extract_features(
            Project(),
            Index(clips, Path(folder)),
            network,
            ExtractOptions(Path(store), cluster=cluster),
        )
    wall_s = time.perf_counter() - started
    core_s = cpu_s()
    return {
        "n_workers": n_workers,
        "extractor": extractor,
        "n_added": report.n_added,
        "audio_s": report.audio_s,
        "wall_s": wall_s,
        "rate": report.audio_s / wall_s,
        "core_s": core_s,
        "load_before": load,
    }


def faster_than_linear(found: list[Mapping[str, Any]]) -> list[str]:
    """Return the costs that grow faster than the number of clips between sizes."""
    problems = []
    for small, large in pairwise(sorted(found, key=lambda row: row["n_clips"])):
        more = large["n_clips"] / small["n_clips"]
        for name in GROWING:
            a_clip = name in ("clip_ms", "cpu_ms")
            growth = large[name] / max(small[name], 1e-9) / (1 if a_clip else more)
            # very short times are not compared
            if growth > LINEAR and (a_clip or large[name] > 1):
                problems.append(
                    f"{name}: {growth:.1f} times as much per clip with {more:.0f} "
                    f"times as many clips"
                )
    if found and found[-1]["n_clips"] >= SIZES[-1] and found[-1]["again_s"] > NOOP_S:
        problems.append(f"a run without new clips takes {found[-1]['again_s']:.0f} s")
    return problems


def draw(found: list[Mapping[str, Any]], path: Path) -> Path:
    """Plot costs against the number of clips."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    sizes = [row["n_clips"] for row in found]
    panels = (
        ("seconds", (("again_s", "run without new clips"), ("read_index_s", "reading the index"),
                     ("open_s", "opening the store"))),
        ("milliseconds per clip", (("clip_ms", "by the clock"), ("cpu_ms", "of all cores"))),
        ("peak memory, MB", (("peak_mb", "the command"), ("scheduler_mb", "the scheduler"))),
        ("most tasks in the scheduler", (("most_tasks", ""),)),
    )  # fmt: skip
    figure, axes = plt.subplots(1, 4, figsize=(14, 3.6), layout="constrained")
    for axis, (unit, lines) in zip(axes, panels, strict=True):
        for name, label in lines:
            axis.plot(sizes, [row[name] for row in found], "o-", label=label)
        axis.set_xscale("log")
        if unit == "seconds":
            axis.set_yscale("log")
            first = found[0]["again_s"]
            axis.plot(
                sizes, [first * n / sizes[0] for n in sizes], ":", color="#888888", label="linear"
            )
        else:
            axis.set_ylim(bottom=0)
        axis.set_xlabel("clips")
        axis.set_title(unit, fontsize=10, loc="left")
        axis.spines[["top", "right"]].set_visible(False)
        if lines[0][1]:
            axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--speed", action="store_true", help="Only this.")
    parser.add_argument("--scale", action="store_true", help="Only this.")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--workers", type=int, default=2, help="For --scale.")
    parser.add_argument("--extractor", default="musicnn", help="For --speed.")
    parser.add_argument("--audio", type=Path, help="For --speed; see benchmarks.corpus.")
    parser.add_argument("--output", type=Path, default=Path("data/experiments/cluster"))
    options = parser.parse_args()
    both = not (options.speed or options.scale)
    options.output.mkdir(parents=True, exist_ok=True)
    kept = options.output / "cluster.json"
    found: dict[str, Any] = json.loads(kept.read_bytes()) if kept.exists() else {}
    found["machine"] = describe()
    if options.speed or both:
        found["speed"] = measure_speed(options.extractor, options.audio)
        for row in found["speed"]:
            name = f"{row['n_workers']} workers" if row["n_workers"] else "one process"
            print(
                f"{name:12} {row['rate']:8.0f} s of audio per second, {row['relative']:.2f} "
                f"times; "
                f"{row['core_s']:.0f} core seconds"
            )
    if options.scale or both:
        found["scale"] = measure_scale(sorted(options.sizes), options.workers)
    kept.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if scale := found.get("scale"):
        for row in scale:
            print(
                f"{row['n_clips']:9} clips: {row['clip_ms']:.2f} ms per clip, scheduler "
                f"{row['scheduler_mb']:.0f} MB, {row['most_tasks']} tasks, store opened in "
                f"{row['open_s']:.1f} s, run without new clips {row['again_s']:.1f} s"
            )
        print(draw(scale, options.output / "cluster.png"))
        if problems := faster_than_linear(scale):
            raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
