"""How alike two clips sound: the cosine of their pooled features, evenly weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.pooling import FloatArray

POOLING = "mean+std"
"""With the scaling below, the best of what was tried on ESC-10: see docs/adr/0006."""

_ROUNDING = 1e-9  # a feature that varies less than this share of its mean is constant


@dataclass(frozen=True)
class Likeness:
    """What makes vectors comparable: features centred, over the root of their deviation.

    As they are, the few features with large numbers would decide alone; divided by the whole
    deviation, those that hardly vary would count as much as any. The root lies between the two
    (Pareto scaling: Eriksson, L. et al. (1999). Introduction to multi- and megavariate data
    analysis).

    Parameters
    ----------
    middle, weight : float64 (dim,)
        What is taken away, and what the rest is multiplied by.
    """

    middle: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]

    @classmethod
    def measure(cls, vectors: FloatArray) -> Self:
        """Learn middles and weights from vectors (n_clips, dim)."""
        middle = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors.std(axis=0, dtype=np.float64)
        varies = spread > _ROUNDING * np.abs(middle)
        return cls(middle, np.where(varies, 1 / np.sqrt(np.where(varies, spread, 1.0)), 0.0))

    def units(self, vectors: FloatArray) -> FloatArray:
        """Return vectors (n_clips, dim) of length 1, whose products are cosines.

        A vector in the very middle of all stays zero: it is like nothing.
        """
        units = (vectors - self.middle) * self.weight
        length = np.linalg.norm(units, axis=1, keepdims=True)
        scaled: FloatArray = (units / np.where(length > 0, length, 1.0)).astype(np.float32)
        return scaled
