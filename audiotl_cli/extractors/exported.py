"""Write extractors as ONNX graphs, from the samples of a recording to its frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from audiotl_cli.audio.spectrogram import dct_matrix, hann, mel_filters
from audiotl_cli.errors import UsageError
from audiotl_cli.extractors import audioset, birdnet, mfcc, musicnn, openl3, speech, vggish, yamnet
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.engines.onnx import add_network
from audiotl_cli.extractors.onnx_sound import (
    add_log,
    add_mel,
    add_zeros,
    count_frames,
    cut_rows,
    cut_windows,
    map_frames,
    place_windows,
)
from audiotl_cli.graph import Graph

DECIBEL = 10 / np.log(10)


def add_extractor(graph: Graph, extractor: Extractor, waveform: str) -> str:
    """Write an extractor.

    Parameters
    ----------
    waveform : str
        float32 (n_samples,) at its sample rate.

    Returns
    -------
    frames : str
        float32 (n_frames, dim).

    Raises
    ------
    UsageError
        The extractor cannot be written, or not with this layer.
    WeightsError
        The weights cannot be read.
    """
    write = _WRITERS.get(type(extractor).__name__)
    if write is None:
        raise UsageError(
            f"{extractor.name} cannot be exported to ONNX; leave out --whole to export the "
            "classifier alone"
        )
    return write(graph, extractor, waveform)


def _yamnet(graph: Graph, extractor: Any, waveform: str) -> str:
    tables = yamnet.published_tables()
    patches = _audioset(graph, extractor, waveform, tables, yamnet.LOG_OFFSET)
    return _network(graph, extractor, patches)


def _vggish(graph: Graph, extractor: Any, waveform: str) -> str:
    if extractor.layer == "postprocessed":
        raise UsageError(
            "vggish's postprocessed cannot be exported to ONNX; the layer embedding can"
        )
    patches = _audioset(graph, extractor, waveform, audioset.tables(), vggish.LOG_OFFSET)
    frames = _network(graph, extractor, patches)
    return graph.add("Relu", frames) if extractor.layer == "embedding" else frames


def _network(graph: Graph, extractor: Any, patches: str) -> str:
    """Write the network behind the front end, whose weights may be quantised."""
    with graph.weights():
        if hasattr(extractor, "add_network"):
            return str(extractor.add_network(graph, patches))
        return add_network(graph, extractor.network, patches)


def _audioset(graph: Graph, extractor: Any, waveform: str, tables: Any, offset: float) -> str:
    taper, bands = tables
    sizes = {"n_fft": audioset.N_FFT, "hop": audioset.STFT_HOP}
    mel, n_windows = _shared_mel(graph, extractor, waveform, taper, bands, power=False, **sizes)
    logarithms = add_log(graph, graph.add("Add", mel, np.float32(offset)))
    hop = extractor.framing.hop // audioset.STFT_HOP
    return cut_rows(graph, logarithms, n_windows, audioset.PATCH_FRAMES, hop)


def _musicnn(graph: Graph, extractor: Any, waveform: str) -> str:
    layer = extractor.layer.split("/")[-1]
    if layer not in VECTORS or extractor.model.endswith("vgg"):
        raise UsageError(
            f"musicnn's {extractor.layer} cannot be exported to ONNX; {', '.join(VECTORS)} can"
        )
    n_fft, hop, n_mels = musicnn.N_FFT, musicnn.STFT_HOP, musicnn.N_MELS
    bands = mel_filters(16_000, n_fft, n_mels, 0.0, 8000.0, scale="slaney", area_norm=True)
    mel, n_windows = _shared_mel(
        graph, extractor, waveform, hann(n_fft), bands, power=True, n_fft=n_fft, hop=hop
    )
    mel = graph.add("Min", mel, np.float32(np.finfo(np.float16).max))
    halved = graph.cast(graph.cast(mel, np.float16), np.float32)
    shifted = graph.add("Add", graph.add("Mul", halved, np.float32(10_000)), np.float32(1))
    frames = add_log(graph, shifted, 1 / np.log(10))
    hop_frames = extractor.framing.hop // hop
    patches = cut_rows(graph, frames, n_windows, musicnn.WINDOW_FRAMES, hop_frames)
    return _network(graph, extractor, patches)


def _shared_mel(
    graph: Graph, extractor: Any, waveform: str, taper: Any, bands: Any, **sizes: Any
) -> tuple[str, str]:
    """Return mel bands (n_frames, n_bands) of which windows are stretches, and their number."""
    windows = place_windows(graph, waveform, extractor.framing)
    n_frames = count_frames(graph, windows.padded, len(taper), sizes["hop"])
    sound = graph.add("Unsqueeze", windows.padded, np.array([0]))
    mel = add_mel(graph, sound, taper, bands, n_frames=n_frames, **sizes)
    return graph.add("Squeeze", mel, np.array([0])), windows.n_windows


def _openl3(graph: Graph, extractor: Any, waveform: str) -> str:
    kind = openl3.REPRESENTATIONS[extractor.representation]
    windows = place_windows(graph, waveform, extractor.framing)
    sounds = cut_windows(graph, windows, extractor.framing)
    n_bins = kind.n_fft // 2 + 1
    bands = openl3.mel_bands(kind) if kind.n_mels else np.eye(n_bins, dtype=np.float32)
    magnitude = add_mel(
        graph,
        sounds,
        hann(kind.n_fft),
        bands,
        n_fft=kind.n_fft,
        hop=openl3.STFT_HOP,
        n_frames=np.array([kind.n_stft_frames]),
        power=False,
    )
    level = add_log(graph, graph.add("Max", magnitude, np.float32(openl3.FLOOR)), DECIBEL)
    level = graph.add("Sub", level, graph.reduce("Max", level, 1, 2))
    level = graph.add("Max", level, np.float32(-openl3.DYNAMIC_RANGE_DB))
    patches = graph.add("Transpose", level, perm=[0, 2, 1])
    return _network(graph, extractor, patches)


def _birdnet(graph: Graph, extractor: Any, waveform: str) -> str:
    windows = place_windows(graph, waveform, extractor.framing)
    sounds = cut_windows(graph, windows, extractor.framing)
    raised = graph.add("Sub", sounds, graph.reduce("Min", sounds, 1))
    highest = graph.add("Add", graph.reduce("Max", raised, 1), np.float32(1e-6))
    centred = graph.add("Sub", graph.add("Div", raised, highest), np.float32(0.5))
    scaled = graph.cast(graph.add("Mul", centred, np.float32(2)), np.float64)
    images = []
    for matrix, hop, exponent in extractor.projections():
        mel = map_frames(graph, scaled, matrix, hop, np.array([birdnet.N_FRAMES]))
        mel = graph.cast(mel, np.float32)
        drawn = graph.add("Pow", graph.add("Mul", mel, mel), exponent)
        images.append(graph.add("Unsqueeze", drawn, np.array([1])))
    patches = graph.add("Transpose", graph.add("Concat", *images, axis=1), perm=[0, 1, 3, 2])
    return _network(graph, extractor, patches)


def _speech(graph: Graph, extractor: Any, waveform: str) -> str:
    framing = extractor.framing
    beyond = graph.add("Add", graph.add("Shape", waveform), np.array([framing.pad_start]))
    missing = graph.add("Sub", np.array([framing.window]), beyond)
    after = graph.add("Max", missing, np.array([framing.pad_end]))
    padded = add_zeros(graph, waveform, framing.pad_start, after)
    scaled = graph.add("Mul", graph.cast(padded, np.float64), np.float64(32768))
    ends = (np.float64(-32768), np.float64(32767))
    whole = graph.add("Clip", graph.add("Round", scaled), *ends)
    n_frames = count_frames(graph, padded, speech.N_FFT, speech.STFT_HOP)
    cosines, sines, bands = speech.tables()
    matrix = np.concatenate([cosines, sines], axis=1)
    sound = graph.add("Unsqueeze", whole, np.array([0]))
    parts = map_frames(graph, sound, matrix, speech.STFT_HOP, n_frames)
    power = graph.add("MatMul", graph.add("Mul", parts, parts), np.concatenate([bands, bands]))
    floored = graph.add("Max", graph.add("Squeeze", power, np.array([0])), np.float64(speech.FLOOR))
    level = graph.cast(graph.add("Mul", graph.add("Log", floored), np.float64(DECIBEL)), np.float32)
    loudest = graph.reduce("Max", level, 0, 1)
    floor = graph.add("Sub", loudest, np.float32(speech.DYNAMIC_RANGE_DB))
    tenths = graph.add("Div", graph.add("Max", level, floor), np.float32(10))
    hop = framing.hop // speech.STFT_HOP
    frames = graph.add("Add", tenths, np.float32(2))
    beyond = graph.add("Sub", n_frames, np.array([speech.WINDOW_FRAMES]))
    n_windows = graph.add("Add", graph.add("Div", beyond, np.array([hop])), np.array([1]))
    patches = cut_rows(graph, frames, n_windows, speech.WINDOW_FRAMES, hop)
    return _network(graph, extractor, patches)


def _mfcc(graph: Graph, extractor: Any, waveform: str) -> str:
    n_fft, hop, rate = mfcc.N_FFT, mfcc.FRAME_HOP, extractor.sample_rate
    windows = place_windows(graph, waveform, extractor.framing)
    sounds = cut_windows(graph, windows, extractor.framing)
    n = 1 + (extractor.framing.window - n_fft) // hop
    bands = mel_filters(rate, n_fft, mfcc.N_MELS, 0.0, rate / 2, scale="slaney", area_norm=True)
    mel = add_mel(
        graph,
        sounds,
        hann(n_fft),
        bands,
        n_fft=n_fft,
        hop=hop,
        n_frames=np.array([n]),
        power=True,
    )
    decibel = add_log(graph, graph.add("Max", mel, mfcc.FLOOR), DECIBEL)
    series = graph.add("MatMul", decibel, dct_matrix(mfcc.N_MELS, mfcc.N_MFCC))
    slopes = _slopes(graph, series, n)
    joined = graph.add("Concat", series, slopes, _slopes(graph, slopes, n), axis=2)
    mean = graph.reduce("Mean", joined, 1)
    difference = graph.add("Sub", joined, mean)
    deviation = graph.add("Sqrt", graph.reduce("Mean", graph.add("Mul", difference, difference), 1))
    return graph.add("Flatten", graph.add("Concat", mean, deviation, axis=1))


def _slopes(graph: Graph, series: str, n: int) -> str:
    """Return deltas as `mfcc` does, by a product with one matrix."""
    weights = mfcc._slopes(np.eye(n, dtype=np.float32)[None])[0]
    return graph.add("MatMul", weights, series)


VECTORS = ("max_pool", "mean_pool", "penultimate", "taggram")
_WRITERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "BirdnetExtractor": _birdnet,
    "MfccExtractor": _mfcc,
    "MusicnnExtractor": _musicnn,
    "OpenL3Extractor": _openl3,
    "SpeechExtractor": _speech,
    "VggishExtractor": _vggish,
    "YamnetExtractor": _yamnet,
}
