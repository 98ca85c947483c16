"""What is judged together along a recording: pooling that slides over frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


def choose_context(window_s: float, hop_s: float) -> float:
    """Return how many seconds to judge together: a window, or two hops where that is more.

    Longer contexts, up to the 5 s of the clips a model was trained on, found fewer onsets: on
    clips of ESC-10's fold 1 over quiet noise (with a label for the background) F1 fell
    from 0.75 at 0.96 s to 0.57 at 2 s, 0.47 at 2.88 s and 0.27 at 5 s.

    Parameters
    ----------
    window_s, hop_s : float
        Of the network.
    """
    return max(window_s, 2 * hop_s)


def context_slices(frames: Vector, steps: Vector, context_s: float) -> tuple[Places, Places]:
    """Return which frames lie in the context around each step.

    Parameters
    ----------
    frames, steps : float64 (n_frames,), (n_steps,)
        Their middles, seconds, ascending.
    context_s : float
        Shorter at both ends of the recording.

    Returns
    -------
    starts, stops : int (n_steps,)
        Slices of at least one frame: the nearest, where none lies inside.
    """
    half = context_s / 2 + 1e-9  # frames on the border are in, however they were rounded
    nearest = np.searchsorted((frames[:-1] + frames[1:]) / 2, steps)
    starts = np.minimum(np.searchsorted(frames, steps - half, "left"), nearest)
    stops = np.maximum(np.searchsorted(frames, steps + half, "right"), nearest + 1)
    return starts, stops


def pool_slices(frames: FloatArray, starts: Places, stops: Places, pooling: str) -> FloatArray:
    """Pool many overlapping slices of frames, each as a clip would be.

    Parameters
    ----------
    frames : float32 (n_frames, dim)
    starts, stops : int (n_slices,)
        Slices of at least one frame. Numbers are the more exact the less they cover together:
        differences of running sums are taken.
    pooling : {"mean", "mean+std", "mean+max"}

    Returns
    -------
    rows : float32 (n_slices, dim), or (n_slices, 2 * dim) of two statistics
    """
    first = int(starts.min())
    part = frames[first : int(stops.max())]
    starts, stops = starts - first, stops - first
    centre = part.mean(axis=0, dtype=np.float64)
    around = part - centre
    mean = _slice_means(around, starts, stops)
    parts = [mean + centre]
    if pooling == "mean+std":
        variance = _slice_means(around**2, starts, stops) - mean**2
        parts.append(np.sqrt(np.maximum(variance, 0)))
    elif pooling == "mean+max":
        parts.append(_slice_maxima(part, starts, stops))
    return np.concatenate(parts, axis=1).astype(np.float32)


def _slice_means(values: Vector, starts: Places, stops: Places) -> Vector:
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    means: Vector = (sums[stops] - sums[starts]) / (stops - starts)[:, None]
    return means


def _slice_maxima(values: FloatArray, starts: Places, stops: Places) -> FloatArray:
    """Return the maximum of every slice: of two stretches of 2 ** k frames that cover it."""
    maxima = np.empty((len(starts), values.shape[1]), values.dtype)
    level = np.log2(stops - starts).astype(int)
    runs = values  # the maximum of 2 ** k frames from each on
    for k in range(int(level.max()) + 1):
        here = level == k
        maxima[here] = np.maximum(runs[starts[here]], runs[stops[here] - 2**k])
        runs = np.maximum(runs[: -(2**k)], runs[2**k :])
    return maxima
