"""How accuracy grows with the number of labelled clips, and what more may bring."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.evaluation.intervals import (
    IntArray,
    accuracy_interval,
    percentiles,
    resample_means,
    unit_sums,
)

SHARES = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy after training on so many clips.

    Parameters
    ----------
    n_clips : int
        Trained on, on average over the rounds.
    accuracy : float
    interval : tuple of float
        95 %.
    """

    n_clips: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class LearningCurve:
    """Accuracies for growing shares of the training clips.

    Parameters
    ----------
    points : list of CurvePoint
    twice : CurvePoint
        What is to be expected of twice the clips.
    """

    points: list[CurvePoint]
    twice: CurvePoint


def nested_shares(
    rows: Sequence[int],
    labels: Sequence[str],
    units: Sequence[Hashable],
    shares: Sequence[float],
    seed: int,
) -> list[list[int]]:
    """Return growing subsets of clips, each holding the one before, units kept whole.

    Every label's units are shuffled and lined up by how much of the label they complete, so
    that each subset has about the same share of every label.

    Parameters
    ----------
    rows : sequence of int
        Positions of the clips to choose from.
    labels, units : sequence
        Of all clips: its label, and what it must not be parted from.
    shares : sequence of float
        Above 0, the last 1.
    seed : int

    Returns
    -------
    subsets : list of list of int
        Positions, in the order of `rows`; each has a clip of every label.
    """
    members: dict[Hashable, list[int]] = {}
    for row in rows:
        members.setdefault(units[row], []).append(row)
    of_label: dict[str, list[Hashable]] = {}
    for unit, inside in members.items():  # a unit of several labels goes by its first clip's
        of_label.setdefault(labels[inside[0]], []).append(unit)
    rng = np.random.default_rng(seed)
    enters: dict[Hashable, float] = {}  # at which share a unit comes in
    for label in sorted(of_label):
        own = of_label[label]
        order = [own[i] for i in rng.permutation(len(own))]
        sizes = np.array([len(members[unit]) for unit in order])
        middle = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
        enters |= {unit: float(at) for unit, at in zip(order, middle, strict=True)}
        enters[order[0]] = 0.0
    return [[row for row in rows if enters[units[row]] <= share] for share in shares]


def learning_curve(
    n_clips: Sequence[int], right: FloatArray, units: IntArray, seed: int
) -> LearningCurve:
    """Summarise predictions made after training on ever more clips.

    Errors are taken to fall as a power of the number of clips (Hestness et al., 2017),
    ``error = a * n ** -b``, fitted to the logarithms, again for every resampling of the clips.

    Parameters
    ----------
    n_clips : sequence of int
        Trained on at every point, growing.
    right : float64 (n_points, n_tested)
        1 where the prediction is right, the same clips at every point.
    units : int (n_tested,)
    seed : int
    """
    points = [
        CurvePoint(n, float(answers.mean()), accuracy_interval(answers, units, seed))
        for n, answers in zip(n_clips, right, strict=True)
    ]
    drawn = resample_means(unit_sums(right.T, units), seed)
    n_tested = right.shape[1]
    projected = project(n_clips, right.mean(axis=1)[None, :], n_tested)
    spread = project(n_clips, drawn, n_tested)
    twice = CurvePoint(2 * n_clips[-1], float(projected[0]), percentiles(spread))
    return LearningCurve(points, twice)


def project(n_clips: Sequence[int], accuracies: FloatArray, n_tested: int) -> FloatArray:
    """Return the accuracy that power laws give for twice the clips.

    Parameters
    ----------
    n_clips : sequence of int (n_points)
    accuracies : float64 (n_curves, n_points)
    n_tested : int
        No error is seen below one in twice so many clips.
    """
    errors = np.maximum(1 - accuracies, 0.5 / n_tested)
    x = np.log(np.array(n_clips, dtype=float) / n_clips[-1])
    weights = np.array(n_clips, dtype=float)  # late points say most of what comes next
    weights /= weights.sum()
    centre = weights @ x
    variance = weights @ (x - centre) ** 2
    heights = np.log(errors)
    slope = ((heights - (heights @ weights)[:, None]) * (x - centre)) @ weights / variance
    slope = np.minimum(slope, 0.0)  # more clips are not taken to harm
    level = heights @ weights - slope * centre
    expected: FloatArray = np.minimum(np.exp(level + slope * np.log(2.0)), 1.0)
    return 1 - expected
