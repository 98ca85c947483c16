"""Front ends as ONNX: windows of a waveform, linear maps of its frames, and logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.graph import Graph, Value

Matrix = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Windows:
    """Where windows lie on a waveform that was filled up.

    Parameters
    ----------
    padded : str
        float32 (n_samples,), from the first to the last window.
    n_windows : str
        int64 (1,).
    """

    padded: str
    n_windows: str


def place_windows(graph: Graph, waveform: str, framing: Framing) -> Windows:
    """Fill a waveform up to whole windows as `Framing` describes.

    Parameters
    ----------
    waveform : str
        float32 (n_samples,), at least one sample.
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
    needed = graph.add("Add", graph.add("Mul", steps, _whole([hop])), _whole([window]))
    missing = graph.add("Sub", needed, graph.add("Add", n, _whole([framing.pad_start])))
    padded = add_zeros(graph, waveform, framing.pad_start, graph.add("Max", missing, _whole([0])))
    padded = graph.add("Slice", padded, _whole([0]), needed)
    return Windows(padded, graph.add("Add", steps, _whole([1])))


def add_zeros(graph: Graph, waveform: str, before: int, after: Value) -> str:
    """Put zeros around a waveform; `after` is int64 (1,)."""
    pads = graph.add("Concat", _whole([before]), after, axis=0)
    return graph.add("Pad", waveform, pads, np.float32(0))


def cut_windows(graph: Graph, windows: Windows, framing: Framing) -> str:
    """Return the windows, float32 (n_windows, window)."""
    window, hop = framing.window, framing.hop
    if window % hop:
        return cut_rows(graph, windows.padded, windows.n_windows, window, hop)
    parts = graph.reshape(windows.padded, -1, hop)  # of which neighbours are joined
    columns = []
    for place in range(window // hop):
        end = graph.add("Add", windows.n_windows, _whole([place]))
        columns.append(graph.add("Slice", parts, _whole([place]), end))
    return graph.add("Concat", *columns, axis=1)


def cut_rows(graph: Graph, rows: str, n_windows: str, size: int, hop: int) -> str:
    """Return stretches of `size` rows every `hop` of them, (n_windows, size, ...)."""
    starts = graph.add("Range", _whole(0), _scalar(graph, n_windows), _whole(1))
    starts = graph.add("Mul", graph.reshape(starts, -1, 1), _whole(hop))
    return graph.add("Gather", rows, graph.add("Add", starts, np.arange(size)[None]))


def count_frames(graph: Graph, waveform: str, length: int, hop: int) -> str:
    """Return the number of whole frames of a waveform (n_samples,), int64 (1,)."""
    beyond = graph.add("Sub", graph.add("Shape", waveform), _whole([length]))
    return graph.add("Add", graph.add("Div", beyond, _whole([hop])), _whole([1]))


def map_frames(graph: Graph, sounds: str, matrix: Matrix, hop: int, n_frames: Value) -> str:
    """Multiply every frame by a matrix.

    Frames overlap. To copy them side by side would take longer than the product, so each part of
    `hop` samples is multiplied by the rows of the matrix for each place that it has in a frame.

    Parameters
    ----------
    sounds : str
        (n_sounds, n_samples), of the type of the matrix.
    matrix : float (frame length, n_values)
    hop : int
        Samples between frames.
    n_frames : Value
        int64 (1,): so many are computed.

    Returns
    -------
    values : str
        (n_sounds, n_frames, n_values).
    """
    n_parts = -(-len(matrix) // hop)
    n_more = n_parts - 1
    rows = np.pad(matrix, ((0, n_parts * hop - len(matrix)), (0, 0))).reshape(n_parts, hop, -1)
    n_samples = graph.add("Mul", graph.add("Add", n_frames, _whole([n_more])), _whole([hop]))
    zeros = np.array([0, 0, 0, n_parts * hop])
    filled = graph.add("Pad", sounds, zeros, matrix.dtype.type(0))
    filled = graph.add("Slice", filled, _whole([0]), n_samples, _whole([1]))
    parts = graph.reshape(filled, 0, -1, hop)
    total = ""
    for place in range(n_parts):
        end = graph.add("Add", n_frames, _whole([place]))
        part = graph.add("Slice", parts, _whole([place]), end, _whole([1]))
        product = graph.add("MatMul", part, rows[place])
        total = graph.add("Add", total, product) if total else product
    return total


def fourier(taper: Matrix, n_fft: int, bins: Matrix) -> Matrix:
    """Return the matrix (len(taper), 2 * n_bins) of cosines and sines of tapered frames."""
    angles = 2 * np.pi / n_fft * np.outer(np.arange(len(taper)), bins)
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    found: Matrix = (taper[:, None].astype(np.float64) * waves).astype(np.float32)
    return found


def add_mel(
    graph: Graph,
    sounds: str,
    taper: Matrix,
    bands: Matrix,
    *,
    n_fft: int,
    hop: int,
    n_frames: Value,
    power: bool,
) -> str:
    """Return mel bands of spectra, in single precision.

    Parameters
    ----------
    sounds : str
        float32 (n_sounds, n_samples).
    taper : float (length,)
        The window that every frame is multiplied by.
    bands : float (n_fft // 2 + 1, n_bands)
    power : bool
        Whether the bands add up powers, and not magnitudes.

    Returns
    -------
    mel : str
        float32 (n_sounds, n_frames, n_bands).
    """
    used = np.flatnonzero(bands.any(axis=1))
    parts = map_frames(graph, sounds, fourier(taper, n_fft, used), hop, n_frames)
    squares = graph.add("Mul", parts, parts)
    weights = bands[used].astype(np.float32)
    if power:
        both = np.concatenate([weights, weights])
        return graph.add("MatMul", squares, both)
    halves = (
        graph.add("Slice", squares, _whole([first]), _whole([first + len(used)]), _whole([2]))
        for first in (0, len(used))
    )
    magnitudes = graph.add("Sqrt", graph.add("Add", *halves))
    return graph.add("MatMul", magnitudes, weights)


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
