"""Write extractors as ONNX graphs, from the samples of a recording to its frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from audiotl_cli.audio.spectrogram import dct_matrix, hann, mel_filters
from audiotl_cli.errors import UsageError
from audiotl_cli.extractors import audioset, mfcc, musicnn, vggish, yamnet
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.engines.onnx import add_network
from audiotl_cli.extractors.onnx_sound import add_log, add_spectra, add_windows
from audiotl_cli.graph import Graph


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
    return write(graph, extractor, add_windows(graph, waveform, extractor.framing))


def _yamnet(graph: Graph, extractor: Any, windows: str) -> str:
    patches = _audioset(graph, windows, hann(audioset.STFT_WINDOW), yamnet.LOG_OFFSET)
    return add_network(graph, extractor.network, patches)


def _vggish(graph: Graph, extractor: Any, windows: str) -> str:
    if extractor.layer == "postprocessed":
        raise UsageError(
            "vggish's postprocessed cannot be exported to ONNX; the layer embedding can"
        )
    patches = _audioset(graph, windows, audioset.tables()[0], vggish.LOG_OFFSET)
    frames = add_network(graph, extractor.network, patches)
    return graph.add("Relu", frames) if extractor.layer == "embedding" else frames


def _audioset(graph: Graph, windows: str, taper: Any, offset: float) -> str:
    magnitudes = add_spectra(
        graph,
        windows,
        taper,
        hop=audioset.STFT_HOP,
        n_fft=audioset.N_FFT,
        n=audioset.PATCH_FRAMES,
    )
    mel = graph.add("MatMul", graph.cast(magnitudes, np.float32), audioset.tables()[1])
    return add_log(graph, graph.add("Add", mel, np.float32(offset)))


def _musicnn(graph: Graph, extractor: Any, windows: str) -> str:
    layer = extractor.layer.split("/")[-1]
    if layer not in VECTORS or extractor.model.endswith("vgg"):
        raise UsageError(
            f"musicnn's {extractor.layer} cannot be exported to ONNX; {', '.join(VECTORS)} can"
        )
    n_fft, hop = musicnn.N_FFT, musicnn.STFT_HOP
    n_frames, n_mels = musicnn.WINDOW_FRAMES, musicnn.N_MELS
    magnitudes = add_spectra(graph, windows, hann(n_fft), hop=hop, n_fft=n_fft, n=n_frames)
    power = graph.cast(graph.add("Mul", magnitudes, magnitudes), np.float32)
    bands = mel_filters(16_000, n_fft, n_mels, 0.0, 8000.0, scale="slaney", area_norm=True)
    largest = np.float32(np.finfo(np.float16).max)
    mel = graph.add("Min", graph.add("MatMul", power, bands), largest)
    halved = graph.cast(graph.cast(mel, np.float16), np.float32)
    shifted = graph.add("Add", graph.add("Mul", halved, np.float32(10_000)), np.float32(1))
    patches = add_log(graph, shifted, 1 / np.log(10))
    return str(extractor.add_network(graph, patches))


def _mfcc(graph: Graph, extractor: Any, windows: str) -> str:
    n_fft, hop, rate = mfcc.N_FFT, mfcc.FRAME_HOP, extractor.sample_rate
    n = 1 + (extractor.framing.window - n_fft) // hop
    magnitudes = add_spectra(graph, windows, hann(n_fft), hop=hop, n_fft=n_fft, n=n)
    power = graph.cast(graph.add("Mul", magnitudes, magnitudes), np.float32)
    bands = mel_filters(rate, n_fft, mfcc.N_MELS, 0.0, rate / 2, scale="slaney", area_norm=True)
    mel = graph.add("Max", graph.add("MatMul", power, bands), mfcc.FLOOR)
    decibel = add_log(graph, mel, 10 / np.log(10))
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
    "MfccExtractor": _mfcc,
    "MusicnnExtractor": _musicnn,
    "VggishExtractor": _vggish,
    "YamnetExtractor": _yamnet,
}
