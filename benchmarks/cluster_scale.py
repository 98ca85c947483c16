"""Measure cluster runs of up to a million clips, with a stub as network.

Scheduler and workers are separate processes on this machine, as on a cluster. Clips are distinct
stretches of a hundred recordings.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audiotl_cli.cli.main import GC_THRESHOLD
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.project import Project
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.workflows.extract import extract_features
from benchmarks.growth import CLIP_RATE, CLIP_S, Stub
from benchmarks.machine import in_own_process, peak_mb

N_RECORDINGS = 100
STEP_S = 0.0025  # between the beginnings of clips of one recording
SAMPLE_EVERY_S = 2.0


def measure_scale(sizes: list[int], n_workers: int) -> list[dict[str, Any]]:
    """Measure each number of clips in separate processes."""
    return [in_own_process(__name__, n_clips=size, n_workers=n_workers) for size in sizes]


def measure(n_clips: int, n_workers: int) -> dict[str, Any]:
    """Embed clips on a cluster, open the store, and run again without new clips."""
    gc.set_threshold(GC_THRESHOLD)  # as the command does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, Any] = {"n_clips": n_clips}

        def timed(step: str, started: float) -> None:
            found[f"{step}_s"] = time.perf_counter() - started

        _write_recordings(folder, n_clips)
        started = time.perf_counter()
        path = Index(_clips(n_clips), folder).write(folder / "index.csv").path
        timed("write_index", started)
        assert path is not None
        features = folder / "features"
        with processes(folder, n_workers) as (address, scheduler):
            index = Index.read(path)
            with sampled(address) as samples:
                report = extract_features(
                    Project(), index, Stub(), ExtractOptions(features, cluster=address)
                )
            found |= {
                "wall_s": report.wall_s,
                "clip_ms": 1000 * report.wall_s / n_clips,
                "scheduler_mb": _peak_mb_of(scheduler),
                "scheduler_cpu_s": _cpu_s_of(scheduler),
                "most_tasks": max(samples, default=0),
                "peak_mb": peak_mb(),
            }
        del index
        found["cpu_ms"] = 1000 * cpu_s() / n_clips
        if report.n_added != n_clips:
            raise RuntimeError(f"{report.n_added} of {n_clips} clips were added")
        found["n_shards"] = len(report.store.shards())
        started = time.perf_counter()
        n_stored = len(FeatureStore(report.store.folder))
        timed("open", started)
        started = time.perf_counter()
        index = Index.read(path)
        timed("read_index", started)
        report = extract_features(
            Project(), index, Stub(), ExtractOptions(features, cluster="local[1]")
        )
        timed("again", started)
        if n_stored != n_clips or report.n_skipped != n_clips:
            raise RuntimeError(f"{report.n_skipped} of {n_clips} clips are in the store")
        return found


@contextmanager
def processes(folder: Path, n_workers: int) -> Iterator[tuple[str, int]]:
    """Run a scheduler and workers; return the scheduler's file and its process's number."""
    file = folder / "scheduler.json"
    place = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": place}
    dask = [sys.executable, "-P", "-m", "dask"]
    address = ["--host", "127.0.0.1", "--scheduler-file", str(file)]
    scheduler = [*dask, "scheduler", *address, "--port", "0", "--no-dashboard"]
    worker = [*dask, "worker", *address, "--nthreads", "1", "--no-dashboard"]
    worker += ["--local-directory", str(folder)]
    started = []
    try:
        for command in [scheduler, *[worker] * n_workers]:
            started.append(
                subprocess.Popen(
                    command,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                )
            )
            while not file.exists():
                if started[0].poll() is not None:
                    raise RuntimeError("the scheduler did not start")
                time.sleep(0.1)
        yield str(file), started[0].pid
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)


@contextmanager
def sampled(address: str) -> Iterator[list[int]]:
    """Sample the number of tasks in the scheduler."""
    from distributed import Client

    samples: list[int] = []
    over = threading.Event()
    with Client(scheduler_file=address, set_as_default=False) as client:

        def watch() -> None:
            while not over.wait(SAMPLE_EVERY_S):
                samples.append(client.run_on_scheduler(_n_tasks))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield samples
        finally:
            over.set()
            thread.join()


def _n_tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


def _peak_mb_of(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kib) * 1024 / 1e6


def _cpu_s_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_s() -> float:
    """Return the core seconds of this process and of its finished children."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usage = [resource.getrusage(kind) for kind in kinds]
    return sum(used.ru_utime + used.ru_stime for used in usage)


def _clips(n_clips: int) -> list[Clip]:
    a_recording = -(-n_clips // N_RECORDINGS)
    clips = []
    for number in range(n_clips):
        recording, place = divmod(number, a_recording)
        start_s = round(place * STEP_S, 6)
        clips.append(Clip(f"{recording:03d}.wav", start_s=start_s, end_s=start_s + CLIP_S))
    return clips


def _write_recordings(folder: Path, n_clips: int) -> None:
    """Write recordings of noise, old enough for their hashes to be stored."""
    rng = np.random.default_rng(0)
    length_s = n_clips // N_RECORDINGS * STEP_S + CLIP_S + 1
    for number in range(N_RECORDINGS):
        path = folder / f"{number:03d}.wav"
        noise = rng.integers(-8000, 8000, round(length_s * CLIP_RATE), np.int16)
        soundfile.write(path, noise, CLIP_RATE)
        os.utime(path, (1e9, 1e9))
