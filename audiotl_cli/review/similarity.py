"""How similar two clips sound: the cosine of their pooled features, evenly weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.pooling import FloatArray
from audiotl_cli.vectors import centre_and_scale, unit_rows

POOLING = "mean+std"
"""With the scaling below, the best of what was tried on ESC-10: see docs/adr/0006."""


@dataclass(frozen=True)
class SimilarityScale:
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
        middle, spread = centre_and_scale(vectors)
        return cls(middle, 1 / np.sqrt(spread))

    def units(self, vectors: FloatArray) -> FloatArray:
        """Return vectors (n_clips, dim) of length 1, whose products are cosines.

        A vector in the very middle of all stays zero: it is similar to nothing.
        """
        scaled: FloatArray = unit_rows((vectors - self.middle) * self.weight).astype(np.float32)
        return scaled
