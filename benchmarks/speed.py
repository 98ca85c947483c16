"""Print how fast this machine extracts, and how fast each command starts.

Measured here and now: a folder of recordings (``AUDIOTL_BENCH_AUDIO``, else the sounds of
the demonstration) is embedded by each extractor, cold, all costs included; then the parts
alone. The matrix rate is what NumPy's float32 product reaches on the same cores.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from audiotl_cli.audio.decode import find_recordings, read_blocks
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.demo_sounds import write_demo_sounds
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.engine import embed_sources
from audiotl_cli.extractors.registry import load_extractor

EXTRACTORS = ("musicnn", "mfcc")
N_RECORDINGS = 120
COMMANDS = (["--help"], ["index", "--help"], ["predict", "--help"])
N_STARTS = 5


def main() -> None:
    """Measure and print."""
    console = Console(highlight=False, width=100)
    workers = os.cpu_count() or 1
    console.print(
        f"{platform.processor() or platform.machine()}, {workers} cores, Python "
        f"{platform.python_version()}, matrix rate {matrix_rate():.0f} GFLOP/s (float32)"
    )
    with tempfile.TemporaryDirectory() as folder:
        recordings = choose_recordings(Path(folder))
        console.print(f"{len(recordings)} recordings, {recordings[0].suffix[1:]}")
        table = Table("extractor", "end to end", "decode", "+ resample", "+ front end", "network")
        for name in EXTRACTORS:
            table.add_row(name, *measure(load_extractor(name), recordings, workers))
        console.print(table)
        console.print("seconds of audio a second; the four parts alone, on one thread")
        console.print("(the network on all cores)")
    starts = Table("command", "seconds to start, median")
    for command in COMMANDS:
        starts.add_row("audiotl " + " ".join(command), f"{start_time(command):.2f}")
    console.print(starts)


def choose_recordings(folder: Path) -> list[Path]:
    """Return the recordings to measure with."""
    given = os.environ.get("AUDIOTL_BENCH_AUDIO")
    if not given:
        write_demo_sounds(folder, range(N_RECORDINGS // 10))
    return find_recordings(Path(given) if given else folder)[:N_RECORDINGS]


def measure(extractor: Extractor, recordings: list[Path], workers: int) -> list[str]:
    """Return the speeds of one extractor, in the order of the table."""
    sources = [AudioSource(path) for path in recordings]
    extractor.use_threads(workers)
    extractor.prepare()
    extractor.run(next(extractor.patches(read(sources[0], extractor))))

    started = time.perf_counter()
    audio_s = sum(one.audio_s for one in embed_sources(extractor, sources, workers=workers))
    end_to_end = time.perf_counter() - started

    started = time.perf_counter()
    for source in sources:
        for _ in read_blocks(source):
            pass
    decode = time.perf_counter() - started

    started = time.perf_counter()
    waveforms = [read(source, extractor) for source in sources]
    resample = time.perf_counter() - started

    started = time.perf_counter()
    patches = [part for waveform in waveforms for part in extractor.patches(waveform)]
    front_end = time.perf_counter() - started

    windows = np.concatenate(patches)
    started = time.perf_counter()
    extractor.run(windows)
    network = time.perf_counter() - started
    parts = (end_to_end, decode, resample, resample + front_end, network)
    return [f"{audio_s / seconds:.0f}" for seconds in parts]


def read(source: AudioSource, extractor: Extractor) -> list[np.ndarray]:
    """Return the blocks of a source at the extractor's rate."""
    return list(read_blocks_at(source, extractor.sample_rate, extractor.resampler))


def matrix_rate() -> float:
    """Return the rate of a float32 matrix product on all cores, GFLOP/s, the best of 5."""
    side = 2048
    matrix = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
    best = np.inf
    for _ in range(5):
        started = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best / 1e9


def start_time(command: list[str]) -> float:
    """Return the median time of a command as a whole process, seconds."""
    times = []
    for _ in range(N_STARTS):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "audiotl_cli", *command], capture_output=True, check=True
        )
        times.append(time.perf_counter() - started)
    return float(np.median(times))


if __name__ == "__main__":
    main()
