"""Measure an extraction with an extractor and engine, and each of its parts alone.

Runs in a process of its own, so that the peak of memory is this extractor's.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from audiotl_cli.audio.decode import read_blocks
from audiotl_cli.audio.resample import resample_blocks
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.extractor_config import ONNX, TENSORFLOW
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import extract_features
from benchmarks.arithmetic import bound_s, efficiency, shares
from benchmarks.machine import best_in_turn, best_of, matrix_gflops, n_cores, peak_mb

N_TRIAL = 100  # recordings: enough to make the start of the decoders negligible


def measure(network: str, engine: str, folder: str, gflop: float, run_s: float) -> dict[str, Any]:
    """Measure an extractor.

    Parameters
    ----------
    network : str
    engine : str
        Empty where there is no choice.
    folder : str
        Holds recordings in ``ogg``.
    gflop : float
        Of a window, 1e9 operations; 0 where there is no network.
    run_s : float
        About how long one extraction should take, seconds: decides how many recordings.

    Returns
    -------
    dict
        Times, seconds: the best of up to five runs each, fewer where one takes long.
    """
    rate_before = matrix_gflops() if gflop else 0.0
    model = load_extractor(network, engine=engine or None)
    model.use_threads(n_cores())
    model.prepare()
    recordings = sorted((Path(folder) / "ogg").iterdir())
    windows = _windows(model, _at_rate(model, _decoded(recordings[:1])))
    batch = np.resize(windows, (model.batch_size, *windows.shape[1:]))
    model.run(batch)
    batch_s = best_of(lambda: model.run(batch), at_least=1)
    n_clips = max(1, round(run_s * model.batch_size / (batch_s * len(windows))))
    if n_clips > N_TRIAL:  # other parts than the network may take longer
        trial = recordings[:N_TRIAL]
        trial_s = best_of(lambda: extract(model, trial), at_least=1)
        n_clips = min(n_clips, max(N_TRIAL, round(run_s * N_TRIAL / trial_s)))
    used = recordings[:n_clips]
    first_s = best_of(partial(extract, model, used), at_least=1)
    peak = peak_mb()  # before everything is held at once below
    core_s, n_windows = _times(model, used, run_s)
    wall_s, network_s = min(first_s, core_s.pop("wall")), core_s["network"]
    if gflop:
        core_s["network"] *= n_cores()
    matrix = max(rate_before, matrix_gflops()) if gflop else 0.0
    audio_s = sum(soundfile.info(path).duration for path in used)
    least_s = bound_s(core_s, n_cores())
    return {
        "engine": engine or _library(),
        "weights": model.weights_id()[1],
        "n_clips": len(used),
        "audio_s": audio_s,
        "n_windows": n_windows,
        "peak_mb": peak,
        "gflop_per_window": gflop,
        "matrix_gflops": matrix,
        "wall_s": wall_s,
        "rate": audio_s / wall_s,
        "shares": shares(core_s),
        "bound_s": least_s,
        "wall_over_bound": wall_s / least_s,
        "efficiency": efficiency(gflop * n_windows, wall_s, matrix) if gflop else None,
        "network_s": network_s,
        "windows_per_s": n_windows / network_s,
        "network_efficiency": efficiency(gflop * n_windows, network_s, matrix) if gflop else None,
    }


def _library() -> str:
    """Return the engine of a network that has no choice, by what it has imported."""
    modules = {"onnxruntime": ONNX, "tensorflow": TENSORFLOW}
    return next((engine for module, engine in modules.items() if module in sys.modules), "")


def extract(model: Extractor, paths: list[Path]) -> None:
    """Run the extraction of `audiotl extract` into a new store."""
    index = Index([Clip(path.name) for path in paths], paths[0].parent)
    with tempfile.TemporaryDirectory() as store:
        report = extract_features(Project(), index, model, ExtractOptions(Path(store)))
        if report.failures:
            raise RuntimeError(f"{report.failures[0].path}: {report.failures[0].message}")


def _times(model: Extractor, paths: list[Path], run_s: float) -> tuple[dict[str, float], int]:
    """Return the seconds of an extraction and of each part alone, and the number of windows.

    Decoding, resampling and the front end run on one thread, the network on all cores.
    """
    decoded = _decoded(paths)
    waveforms = _at_rate(model, decoded)
    patches = _windows(model, waveforms)
    one_thread = threadpool_limits.wrap(limits=1)
    runs: dict[str, Callable[[], object]] = {
        "wall": partial(extract, model, paths),
        "network": partial(model.run, patches),
        "decode": one_thread(partial(_decoded, paths)),
        "resample": one_thread(partial(_at_rate, model, decoded)),
        "front_end": one_thread(partial(_windows, model, waveforms)),
    }
    return best_in_turn(runs, at_least=1, spend_s=5 * run_s), len(patches)


def _decoded(paths: list[Path]) -> list[list[tuple[np.ndarray, int]]]:
    return [list(read_blocks(AudioSource(path))) for path in paths]


def _at_rate(
    model: Extractor, decoded: list[list[tuple[np.ndarray, int]]]
) -> list[list[np.ndarray]]:
    return [list(resample_blocks(blocks, model.sample_rate, "soxr")) for blocks in decoded]


def _windows(model: Extractor, waveforms: list[list[np.ndarray]]) -> np.ndarray:
    return np.concatenate([part for blocks in waveforms for part in model.patches(blocks)])
