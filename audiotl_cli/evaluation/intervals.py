"""How uncertain a mean over clips is: bootstrap intervals over clips or groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_RESAMPLES = 10_000
LEVEL = 0.95


def number_units(units: Sequence[Hashable]) -> IntArray:
    """Return a number for every unit, 0 for the first; equal units have the same."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(unit, len(numbers)) for unit in units], np.int64)


def unit_sums(values: FloatArray, units: IntArray, weights: FloatArray | None = None) -> FloatArray:
    """Return what the clips of every unit add up to, and how many they are.

    Parameters
    ----------
    values : float64 (n_clips,) or (n_clips, n_columns)
    units : int (n_clips,)
        From `number_units`.
    weights : float64 (n_clips,), optional
        What every clip counts; 1 unless given.

    Returns
    -------
    sums : float64 (n_units, n_columns + 1)
        The last column counts clips.
    """
    counted = np.ones(len(values)) if weights is None else weights
    table = np.column_stack([values, np.ones(len(values))]) * counted[:, None]
    sums = np.zeros((int(units.max()) + 1, table.shape[1]))
    np.add.at(sums, units, table)
    return sums


def resample_means(sums: FloatArray, seed: int) -> FloatArray:
    """Return means over clips, with units drawn with replacement (Efron, 1979).

    Units that have the same sums are interchangeable, so what is drawn is how many of each
    kind come up: thousands of clips that are right or wrong are two kinds.

    Parameters
    ----------
    sums : float64 (n_units, n_columns + 1)
        From `unit_sums`.
    seed : int

    Returns
    -------
    means : float64 (N_RESAMPLES, n_columns)
    """
    kinds, n_each = np.unique(sums, axis=0, return_counts=True)
    kinds, n_each = kinds[::-1], n_each[::-1]
    rng = np.random.default_rng(seed)
    shares = n_each / n_each.sum()
    per_draw = max(1, 10_000_000 // len(kinds))  # 80 MB of counts at a time
    drawn = []
    for start in range(0, N_RESAMPLES, per_draw):
        counts = rng.multinomial(len(sums), shares, min(per_draw, N_RESAMPLES - start))
        totals = counts @ kinds
        drawn.append(totals[:, :-1] / totals[:, -1:])
    return np.concatenate(drawn)


def percentiles(means: FloatArray) -> tuple[float, float]:
    """Return the ends of the middle 95 % of resampled means."""
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def accuracy_interval(
    right: FloatArray, units: IntArray, seed: int, weights: FloatArray | None = None
) -> tuple[float, float]:
    """Return a 95 % interval of an accuracy; of a balanced accuracy with `clip_weights`.

    It is the percentile interval over resampled units. Clips of one unit (a speaker, a source
    recording) are right or wrong together, so there are fewer independent outcomes than clips;
    an interval over clips would be too narrow. Where all clips are right, or none, every draw
    is the same and says nothing; there it is the exact binomial interval of as many clips as
    there are units (Clopper and Pearson, 1934), which ends ``0.025 ** (1 / n_units)`` from the
    far end. Of one unit nothing can be drawn: then it is 0 to 1.

    Parameters
    ----------
    right : float64 (n_clips,)
        1 where the prediction is right, 0 where not; between where a clip was predicted
        several times.
    units : int (n_clips,)
        From `number_units`.
    seed : int
    weights : float64 (n_clips,), optional
        What every clip counts; 1 unless given.
    """
    n_units = int(units.max()) + 1
    mean = float(right.mean())
    if mean in (0.0, 1.0):
        limit = 0.025 ** (1 / n_units)
        return (0.0, 1 - limit) if mean == 0 else (limit, 1.0)
    if n_units == 1:
        return 0.0, 1.0
    return percentiles(resample_means(unit_sums(right, units, weights), seed))
