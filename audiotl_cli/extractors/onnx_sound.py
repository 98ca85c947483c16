"""Front ends as ONNX: windows of a waveform, their spectra, and logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.graph import Graph, Value


def add_windows(graph: Graph, waveform: str, framing: Framing) -> str:
    """Cut a waveform into windows as `Framing` describes.

    Parameters
    ----------
    waveform : str
        float32 (n_samples,), at least one sample.

    Returns
    -------
    windows : str
        float32 (n_windows, window).
    """
    window, hop = framing.window, framing.hop
    n = graph.add("Shape", waveform)
    if framing.short == "repeat":
        room = window - framing.pad_start - framing.pad_end
        n = graph.add("Max", n, _whole(room))
        indices = graph.add("Range", _whole(0), _scalar(graph, n), _whole(1))
        indices = graph.add("Mod", indices, graph.add("Shape", waveform))
        waveform = graph.add("Gather", waveform, indices)
    padding = framing.pad_start + framing.pad_end
    beyond = graph.add("Max", graph.add("Add", n, _whole([padding - window])), _whole([0]))
    if framing.tail == "drop":
        steps = graph.add("Div", beyond, _whole([hop]))
    else:
        # as `Framing.n_windows`: no window begins after the last sample
        steps = _rounded_up(graph, beyond, hop)
        last = _rounded_up(graph, graph.add("Add", beyond, _whole([window])), hop)
        steps = graph.add("Min", steps, graph.add("Sub", last, _whole([1])))
        steps = graph.add("Max", steps, _whole([0]))
    n_windows = graph.add("Add", steps, _whole([1]))
    needed = graph.add("Add", graph.add("Mul", steps, _whole([hop])), _whole([window]))
    missing = graph.add("Sub", needed, graph.add("Add", n, _whole([framing.pad_start])))
    after = graph.add("Max", missing, _whole([0]))
    pads = graph.add("Concat", _whole([framing.pad_start]), after, axis=0)
    padded = graph.add("Pad", waveform, pads, np.float32(0))
    starts = graph.add("Range", _whole(0), _scalar(graph, n_windows), _whole(1))
    starts = graph.add("Mul", graph.reshape(starts, -1, 1), _whole(hop))
    return graph.add("Gather", padded, graph.add("Add", starts, np.arange(window)[None]))


def add_spectra(
    graph: Graph, windows: str, taper: np.ndarray[Any, Any], *, hop: int, n_fft: int, n: int
) -> str:
    """Return the magnitude spectra of the first `n` frames of each window.

    Parameters
    ----------
    windows : str
        float32 (n_windows, n_samples).
    taper : float (length,)
        The window that every frame is multiplied by.
    hop, n_fft : int
        Samples.

    Returns
    -------
    magnitudes : str
        float64 (n_windows, n, n_fft // 2 + 1).
    """
    indices = np.arange(n)[:, None] * hop + np.arange(len(taper))
    frames = graph.cast(graph.add("Gather", windows, indices, axis=1), np.float64)
    frames = graph.reshape(graph.add("Mul", frames, taper.astype(np.float64)), -1, len(taper), 1)
    found = graph.add("DFT", frames, np.int64(n_fft), axis=1, onesided=1)
    power = graph.reduce("Sum", graph.add("Mul", found, found), 2, keep=False)
    return graph.reshape(graph.add("Sqrt", power), -1, n, n_fft // 2 + 1)


def add_log(graph: Graph, values: str, scale: float = 1.0) -> str:
    """Return logarithms, multiplied by a number."""
    return graph.add("Mul", graph.add("Log", values), np.float32(scale))


def _whole(value: Any) -> Value:
    return np.array(value, np.int64)


def _scalar(graph: Graph, value: str) -> str:
    """Return an array (1,) as a scalar, which ``Range`` needs."""
    return graph.add("Squeeze", value, _whole([0]))


def _rounded_up(graph: Graph, value: str, by: int) -> str:
    return graph.add("Div", graph.add("Add", value, _whole([by - 1])), _whole([by]))
