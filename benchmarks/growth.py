"""Measure how time and memory grow with the number of clips and the length of a recording.

The network is a stub, so that only the index, keys, decoding and store are measured.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.extractors.base import Extractor, Layer, Patches
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import extract_features
from benchmarks.machine import in_own_process, peak_mb

CLIP_S, CLIP_RATE = 0.25, 16_000
LONG_RATE = 48_000  # Hz, stereo


class Stub(Extractor):
    """A window's mean, spread and peak."""

    name = "stub"
    version = "1"
    summary = "for benchmarks"
    sample_rate = 16_000
    window_s = 0.25
    default_hop_s = 0.25
    default_layer = "plain"
    batch_size = 32

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"plain": Layer(dim=3)}

    def frame(self, hop_s: float) -> Framing:
        return Framing(window=4000, hop=round(hop_s * self.sample_rate), tail="pad")

    def front_end(self, segment: Waveform) -> Patches:
        windows = np.lib.stride_tricks.sliding_window_view(segment, self.framing.window)
        return np.ascontiguousarray(windows[:: self.framing.hop])

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        columns = [patches.mean(axis=1), patches.std(axis=1), np.abs(patches).max(axis=1)]
        return np.stack(columns, axis=1)[:, None, :]


def measure_growth(sizes: list[int], lengths_s: tuple[float, float]) -> dict[str, Any]:
    """Measure each number of clips, and a recording of each length.

    Parameters
    ----------
    sizes : list of int
        Clips.
    lengths_s : (float, float)
        A short and a long recording, 48 kHz, stereo.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_clips(folder, max(sizes))
        clips = [in_own_process(__name__, folder=name, n_clips=size) for size in sizes]
        long = []
        for length_s in lengths_s:
            path = folder / "long.wav"
            _write_long(path, length_s)
            long.append(in_own_process(__name__, folder=name, n_clips=0))
            path.unlink()
    short, longest = (row["peak_mb"] for row in long)
    return {
        "clips": clips,
        "long": [{"length_s": s, **row} for s, row in zip(lengths_s, long, strict=True)],
        "long_more_mb": longest - short,
    }


def measure(folder: str, n_clips: int) -> dict[str, Any]:
    """Extract the first clips, or the long recording if `n_clips` is 0, twice."""
    names = [f"{number:05d}.wav" for number in range(n_clips)] or ["long.wav"]
    index = Index([Clip(name) for name in names], Path(folder))
    with tempfile.TemporaryDirectory() as store:
        times = []
        for _ in range(2):
            started = time.perf_counter()
            report = extract_features(Project(), index, Stub(), ExtractOptions(Path(store)))
            times.append(time.perf_counter() - started)
        if report.n_skipped != len(names):
            raise RuntimeError(f"{report.n_skipped} of {len(names)} clips are in the store")
    return {
        "n_clips": len(names),
        "wall_s": times[0],
        "clip_ms": 1000 * times[0] / len(names),
        "again_s": times[1],
        "peak_mb": peak_mb(),
    }


def _write_clips(folder: Path, n_clips: int) -> None:
    """Write distinct clips of noise."""
    rng = np.random.default_rng(0)
    for number in range(n_clips):
        noise = rng.integers(-8000, 8000, round(CLIP_S * CLIP_RATE), np.int16)
        soundfile.write(folder / f"{number:05d}.wav", noise, CLIP_RATE)


def _write_long(path: Path, length_s: float) -> None:
    noise = np.random.default_rng(0).integers(-8000, 8000, (10 * LONG_RATE, 2), np.int16)
    with soundfile.SoundFile(path, "w", LONG_RATE, 2) as file:
        for _ in range(round(length_s / 10)):
            file.write(noise)
