"""Measure an extraction with an extractor and engine, and each of its parts alone.

Runs in a process of its own, so that the peak of memory is this extractor's.
"""

from __future__ import annotations

import tempfile
import time
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
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.project import Project
from audiotl_cli.workflows.extract import extract_features
from benchmarks.arithmetic import bound_s, efficiency, shares
from benchmarks.machine import best_in_turn, best_of, matrix_gflops, n_cores, peak_mb

N_TRIAL = 100  # recordings: enough to make the start of the decoders negligible


def measure(
    extractor: str,
    layer: str | None,
    engine: str,
    weights: str | None,
    folder: str,
    gflop: float,
    run_s: float,
) -> dict[str, Any]:
    """Measure an extractor.

    Parameters
    ----------
    extractor, layer : str
    engine : str
        Empty where there is no choice.
    weights : str or None
        A file of weights; None uses the extractor's own.
    folder : str
        Holds the same recordings in ``ogg`` and ``wav``.
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
    started = time.perf_counter()
    model = load_extractor(extractor, weights=weights, layer=layer, engine=engine or None)
    model.use_threads(n_cores())
    model.prepare()
    first = _recordings(folder, "wav")[0]
    windows = _windows(model, _at_rate(model, _decoded([first])))
    batch = np.resize(windows, (model.batch_size, *windows.shape[1:]))
    model.run(batch)
    start_s = time.perf_counter() - started

    batch_s = best_of(lambda: model.run(batch), at_least=2)
    n_clips = max(1, round(run_s * model.batch_size / (batch_s * len(windows))))
    if n_clips > N_TRIAL:  # other parts than the network may take longer
        trial = _recordings(folder, "ogg")[:N_TRIAL]
        trial_s = best_of(lambda: _extract(model, trial), at_least=1)
        n_clips = min(n_clips, max(N_TRIAL, round(run_s * N_TRIAL / trial_s)))
    oggs, wavs = (_recordings(folder, ending)[:n_clips] for ending in ("ogg", "wav"))
    _extract(model, oggs)
    peak = peak_mb()  # before everything is held at once below
    times, n_windows = _times(model, oggs, wavs, run_s)
    walls = {ending: times.pop(ending) for ending in ("ogg", "wav")}
    network_cores = n_cores() if gflop else 1
    parts = times | {"network": times["network_wall"] * network_cores}
    matrix = max(rate_before, matrix_gflops()) if gflop else 0.0
    audio_s = sum(soundfile.info(path).duration for path in oggs)
    found: dict[str, Any] = {
        "engine": engine,
        "weights": "random" if weights else model.weights_id()[1],
        "n_clips": len(oggs),
        "audio_s": audio_s,
        "n_windows": n_windows,
        "start_s": start_s,
        "network_wall_s": parts["network_wall"],
        "peak_mb": peak,
        "gflop_per_window": gflop,
        "matrix_gflops": matrix,
    }
    for ending, wall_s in walls.items():
        core_s = {**parts, "decode": parts[f"decode_{ending}"]}
        least_s = bound_s(core_s, n_cores())
        found[ending] = {
            "wall_s": wall_s,
            "rate": audio_s / wall_s,
            "shares": shares(core_s),
            "bound_s": least_s,
            "wall_over_bound": wall_s / least_s,
            "efficiency": efficiency(gflop * n_windows, wall_s, matrix) if gflop else None,
        }
    network_s = parts["network_wall"]
    found["network_rate"] = audio_s / network_s
    found["network_efficiency"] = (
        efficiency(gflop * n_windows, network_s, matrix) if gflop else None
    )
    return found


def _recordings(folder: str, ending: str) -> list[Path]:
    return sorted((Path(folder) / ending).glob(f"*.{ending}"))


def _extract(model: Extractor, paths: list[Path]) -> None:
    """Run the extraction of `audiotl extract` into a new store."""
    index = Index([Clip(path.name) for path in paths], paths[0].parent)
    with tempfile.TemporaryDirectory() as store:
        report = extract_features(Project(), index, model, ExtractOptions(Path(store)))
        if report.failures:
            raise RuntimeError(f"{report.failures[0].path}: {report.failures[0].message}")


def _times(
    model: Extractor, oggs: list[Path], wavs: list[Path], run_s: float
) -> tuple[dict[str, float], int]:
    """Return the seconds of two extractions and of each part alone, and the number of windows.

    Decoding, resampling and the front end run on one thread. The network has all cores, and its
    wall time counts for each of them.
    """
    decoded = _decoded(wavs)
    waveforms = _at_rate(model, decoded)
    patches = _windows(model, waveforms)
    one_thread = threadpool_limits.wrap(limits=1)
    runs: dict[str, Callable[[], object]] = {
        "ogg": partial(_extract, model, oggs),
        "wav": partial(_extract, model, wavs),
        "network_wall": partial(model.run, patches),
        "decode_ogg": one_thread(partial(_decoded, oggs)),
        "decode_wav": one_thread(partial(_decoded, wavs)),
        "resample": one_thread(partial(_at_rate, model, decoded)),
        "front_end": one_thread(partial(_windows, model, waveforms)),
    }
    return best_in_turn(runs, at_least=2, spend_s=10 * run_s), len(patches)


def _decoded(paths: list[Path]) -> list[list[tuple[np.ndarray, int]]]:
    return [list(read_blocks(AudioSource(path))) for path in paths]


def _at_rate(
    model: Extractor, decoded: list[list[tuple[np.ndarray, int]]]
) -> list[list[np.ndarray]]:
    return [list(resample_blocks(blocks, model.sample_rate, "soxr")) for blocks in decoded]


def _windows(model: Extractor, waveforms: list[list[np.ndarray]]) -> np.ndarray:
    return np.concatenate([part for blocks in waveforms for part in model.patches(blocks)])
