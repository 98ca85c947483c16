"""Where in a recording a label is heard: pooling that slides over frames, and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

MIN_STEPS = 2
"""Steps an event lasts at least, unless told in seconds."""


@dataclass(frozen=True)
class Event:
    """A stretch of a recording in which a label is heard.

    Parameters
    ----------
    start_s, end_s : float
        Seconds from the start of the recording.
    label : str
    score : float
        Mean of the label's scores, 0 to 1.
    """

    start_s: float
    end_s: float
    label: str
    score: float


@dataclass(frozen=True)
class EventOptions:
    """What makes an event.

    Parameters
    ----------
    threshold : float
        Score from which a label is heard, 0 to 1.
    min_s : float or None
        Seconds an event lasts at least, and from which a gap parts two events of one label;
        None is `MIN_STEPS` steps.
    """

    threshold: float = 0.5
    min_s: float | None = None


def choose_context(window_s: float, hop_s: float) -> float:
    """Return how many seconds to judge together: a window, or two hops where that is more.

    Longer contexts, up to the 5 s of the clips a model was trained on, found fewer onsets: on
    made recordings of ESC-10 (`benchmarks/events.py`, fold 1, a label for the background) F1 fell
    from 0.75 at 0.96 s to 0.57 at 2 s, 0.47 at 2.88 s and 0.27 at 5 s.

    Parameters
    ----------
    window_s, hop_s : float
        Of the network.
    """
    return max(window_s, 2 * hop_s)


def step_edges(centres: Vector, duration_s: float) -> Vector:
    """Return where the part of a recording that each step speaks for begins and ends.

    Parameters
    ----------
    centres : float64 (n_steps,)
        Middle of each step, seconds, ascending.
    duration_s : float
        Of the recording, above 0.

    Returns
    -------
    edges : float64 (n_steps + 1,)
        From 0 to `duration_s`, half-way between neighbours.
    """
    between = np.clip((centres[:-1] + centres[1:]) / 2, 0, duration_s)
    return np.concatenate([[0.0], between, [duration_s]])


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


def smooth(scores: Vector, width: int = 3) -> Vector:
    """Return the running median of each column, ends repeated; `width` is odd."""
    half = width // 2
    padded = np.pad(scores, ((half, half), (0, 0)), mode="edge")
    medians: Vector = np.median(np.lib.stride_tricks.sliding_window_view(padded, width, 0), axis=-1)
    return medians


def find_events(
    scores: Vector,
    edges: Vector,
    labels: Sequence[str],
    options: EventOptions,
    *,
    several: bool = False,
) -> list[Event]:
    """Return the events in a recording.

    Parameters
    ----------
    scores : float64 (n_steps, n_labels)
        0 to 1.
    edges : float64 (n_steps + 1,)
        Where steps begin and end, seconds.
    labels : sequence of str
    options : EventOptions
    several : bool
        Whether several labels may be heard at once; else only the likeliest can be.

    Returns
    -------
    list of Event
        By start; those of one label do not overlap.
    """
    heard = scores >= options.threshold
    if not several:
        heard &= scores.argmax(axis=1)[:, None] == np.arange(len(labels))
    min_s = options.min_s
    if min_s is None:
        min_s = MIN_STEPS * float(np.median(np.diff(edges)))
    min_s = min(min_s, edges[-1]) - 1e-9
    events = []
    for i in map(int, np.flatnonzero(heard.any(axis=0))):
        change = np.diff(heard[:, i].astype(np.int8), prepend=0, append=0)
        starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        parted = edges[starts[1:]] - edges[stops[:-1]] >= min_s
        starts, stops = starts[np.append(True, parted)], stops[np.append(parted, True)]
        for start, stop in zip(starts, stops, strict=True):
            if edges[stop] - edges[start] >= min_s:
                score = float(scores[start:stop, i].mean())
                events.append(Event(float(edges[start]), float(edges[stop]), labels[i], score))
    return sorted(events, key=lambda event: (event.start_s, event.end_s, event.label))
