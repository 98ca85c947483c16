"""How well a model notices clips of labels that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

KEPT = 0.95


@dataclass(frozen=True)
class Separation:
    """How well clips of unknown labels are separated from those of known ones.

    Parameters
    ----------
    auroc : float
        The chance that a known clip has a higher score than an unknown one; 0.5 is guessing.
    fpr95 : float
        The share of unknown clips that are accepted where 95 % of the known ones are.
    """

    auroc: float
    fpr95: float


@dataclass(frozen=True)
class OpenSet:
    """How well labels were noticed that were left out of training, one after the other.

    Parameters
    ----------
    mean : Separation
        Over the labels.
    per_label : dict
        By the label left out.
    """

    mean: Separation
    per_label: dict[str, Separation]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        per_label = {label: asdict(found) for label, found in self.per_label.items()}
        return {**asdict(self.mean), "per_label": per_label}


def separate(known: FloatArray, unknown: FloatArray) -> Separation:
    """Compare the scores of clips of known and of unknown labels.

    Parameters
    ----------
    known, unknown : float64 (n,)
        Higher for clips that look like known ones; at least one each.
    """
    from sklearn.metrics import roc_auc_score

    is_known = np.repeat([1, 0], [len(known), len(unknown)])
    auroc = float(roc_auc_score(is_known, np.concatenate([known, unknown])))
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
    auroc = np.mean([separation.auroc for separation in found])
    fpr95 = np.mean([separation.fpr95 for separation in found])
    return OpenSet(Separation(float(auroc), float(fpr95)), per_label)
