"""How well scores tell what a model knows from what it has never heard of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

KEPT = 0.95


@dataclass(frozen=True)
class Separation:
    """How far clips of unknown labels stand apart from those of known ones.

    Parameters
    ----------
    auroc : float
        The chance that a known clip looks better known than an unknown one, 0.5 where nothing
        tells them apart.
    fpr95 : float
        How many of the unknown ones are let in where 95 % of the known ones are.
    """

    auroc: float
    fpr95: float


@dataclass(frozen=True)
class OpenSet:
    """What became of labels that were left out of training, one after the other.

    Parameters
    ----------
    mean : Separation
        Over the labels.
    per_label : dict
        By the label left out.
    """

    mean: Separation
    per_label: dict[str, Separation]


def separate(known: FloatArray, unknown: FloatArray) -> Separation:
    """Compare how well known the clips of known and of unknown labels look.

    Parameters
    ----------
    known, unknown : float64 (n,)
        Higher is better known; at least one each.
    """
    order = np.sort(known)
    below = np.searchsorted(order, unknown, "left")
    upto = np.searchsorted(order, unknown, "right")
    auroc = 1 - float((below + upto).mean()) / (2 * len(known))
    threshold = reject_threshold(known, 1 - KEPT)
    return Separation(auroc, float((unknown >= threshold).mean()))


def reject_threshold(known: FloatArray, rate: float) -> float:
    """Return the value below which at most this share of the known clips lies.

    Parameters
    ----------
    known : float64 (n,)
    rate : float
        0 to below 1.
    """
    n_below = int(rate * len(known) + 1e-9)
    return float(np.sort(known)[n_below])


def summarise(per_label: dict[str, Separation]) -> OpenSet:
    """Average over the labels."""
    found: Sequence[Separation] = list(per_label.values())
    mean = Separation(
        float(np.mean([one.auroc for one in found])), float(np.mean([one.fpr95 for one in found]))
    )
    return OpenSet(mean, per_label)
