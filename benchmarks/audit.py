"""Measure the time and memory of the audit of ``audiotl index``.

``python -m benchmarks.audit [--n N] [--form wav|ogg|flac]``: indexes N made files of 0.25 to 1 s,
and a tenth of them, each in a process of its own: the time with nothing known, the time of a
second run, the processors' time of all processes, and the most memory of the process that indexes
and of the largest one that decodes. Beside it, processors' time again, in as many processes as
decode there: reading all files, and reading and measuring them; in one, comparing all
fingerprints;
and the share of reading in reading and measuring, and in all that indexing takes. A hundredth of
the files are copies of others: equal, or quieter and cut. ``--audio FOLDER`` indexes the
recordings
there instead.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audiotl_cli.audio.decode import read_blocks
from audiotl_cli.audio.fingerprint import Words
from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.audio.measure import measure as listen
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.duplicates.near_duplicates import find_near_duplicates
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.extractors.runtime import keep_freed_memory
from audiotl_cli.project import Project
from audiotl_cli.workflows.index import build_index
from benchmarks.machine import describe, in_own_process, n_cores, peak_mb

RATE = 44_100  # Hz
SHORTEST_S, LONGEST_S = 0.25, 1.0
COPIES = 100  # one in this many files is a copy
LABELS = 10


def write_files(folder: Path, n_files: int, form: str) -> None:
    """Write distinct files of noise with varying loudness and colour."""
    rng = np.random.default_rng(0)
    before = np.zeros(0)
    for number in range(n_files):
        path = folder / f"label-{number % LABELS}" / f"{number:05d}.{form}"
        path.parent.mkdir(exist_ok=True)
        if number % (2 * COPIES) == 1:
            sound = before
        elif number % COPIES == 1:
            sound = 0.5 * before[200:]
        else:
            n = round(rng.uniform(SHORTEST_S, LONGEST_S) * RATE)
            spectrum = np.fft.rfft(rng.standard_normal(n))
            spectrum[0] = 0.0
            spectrum /= np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20.0) ** rng.uniform(0, 1)
            sound = np.fft.irfft(spectrum, n)
            sound *= rng.uniform(0.1, 0.9) / np.abs(sound).max()
        soundfile.write(path, sound, RATE)
        before = sound


def measure(folder: str, project: str) -> dict[str, Any]:
    """Index a folder twice, in a separate process to measure its memory."""
    Path(project).mkdir()
    os.chdir(project)
    times, cpu_s = [], [_cpu_s()]
    for _ in range(2):
        started = time.perf_counter()
        report = build_index(Project(), Path(folder), Path("data/index/made.csv"), IndexOptions())
        times.append(time.perf_counter() - started)
        cpu_s.append(_cpu_s())
    decoders = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "n_files": len(report.index.clips),
        "wall_s": times[0],
        "cpu_s": cpu_s[1] - cpu_s[0],
        "again_s": times[1],
        "peak_mb": peak_mb(),
        "decoder_peak_mb": decoders * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "problems": {code: len(paths) for code, paths in report.problems.items()},
    }


def measure_parts(folder: Path) -> dict[str, float]:
    """Return the processor time of the parts."""
    sources = [AudioSource(path) for path in find_recordings(folder)]
    shares = [sources[first :: n_cores()] for first in range(n_cores())]
    with ProcessPoolExecutor(n_cores(), get_context("spawn"), keep_freed_memory) as processes:
        list(processes.map(_read, [share[:10] for share in shares]))  # imports
        decode_s = sum(processes.map(_read, shares))
        listen_s, words = zip(*processes.map(_listen, shares), strict=True)
    compare_s, _ = _time(lambda: find_near_duplicates(list(chain.from_iterable(words))))
    return {"decode_s": decode_s, "listen_s": sum(listen_s), "compare_s": compare_s}


def _read(sources: list[AudioSource]) -> float:
    return _time(lambda: [sum(len(block) for block, _ in read_blocks(s)) for s in sources])[0]


def _listen(sources: list[AudioSource]) -> tuple[float, list[Words]]:
    listen_s, found = _time(lambda: [listen(source) for source in sources])
    return listen_s, [item.words for item in found]


def _time(run: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    value = run()
    return time.process_time() - started, value


def _cpu_s() -> float:
    processes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, processes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--form", choices=("wav", "ogg", "flac"), default="wav")
    parser.add_argument("--audio", type=Path, help="a folder of recordings to index instead")
    parser.add_argument("--folder", type=Path, help="for the files  [default: a temporary one]")
    args = parser.parse_args()
    print(json.dumps(describe() | {"n_cores": n_cores()}), flush=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        if args.audio:
            _show(args.audio.absolute(), Path(name, "project"))
            return
        for n_files in (args.n // 10, args.n):
            folder = Path(name, f"sounds-{n_files}")
            folder.mkdir()
            write_files(folder, n_files, args.form)
            _show(folder, Path(name, f"project-{n_files}"))


def _show(folder: Path, project: Path) -> None:
    figures = in_own_process("benchmarks.audit", folder=str(folder), project=str(project))
    figures |= measure_parts(folder)
    decode_s = figures["decode_s"]
    shares = {
        "decode_of_listening": decode_s / figures["listen_s"],
        "decode_of_all": decode_s / figures["cpu_s"],
    }
    print(json.dumps(figures | shares), flush=True)


if __name__ == "__main__":
    main()
