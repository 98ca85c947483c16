"""Clips that are on both sides of an evaluation, or as good as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.vectors import standardise, unit_rows

NEARLY_EQUAL = 0.995
"""Cosine of standardised vectors. Different recordings of ESC-10 reach 0.994 (YAMNet), so only
copies that are all but equal are told, not every one that was compressed again."""
ROWS = 1024  # compared at a time

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Twins:
    """Two clips that are nearly the same.

    Parameters
    ----------
    clip, other : int
        Positions: of a clip that is tested, and of one that is trained on then.
    similarity : float
        Cosine of their standardised vectors; 1 where the recordings are the same.
    """

    clip: int
    other: int
    similarity: float


def find_duplicates(
    vectors: npt.NDArray[np.float32],
    keys: Sequence[str],
    parts: Sequence[str],
    tested: Sequence[bool],
) -> list[Twins]:
    """Return pairs of clips in different parts that are nearly equal, the nearest first.

    Parameters
    ----------
    vectors : float32 (n_clips, dim)
        Pooled features.
    keys : sequence of str
        Of the clips in the store; equal for the same sound.
    parts : sequence of str
        The fold or split of every clip; only clips of different parts are compared.
    tested : sequence of bool
        Whether a clip is predicted. At least one of a pair is, and is named first; of two,
        the first.
    """
    part_of = np.unique(np.array(parts, dtype=object).astype(str), return_inverse=True)[1]
    key_of = np.unique(np.array(keys), return_inverse=True)[1]
    is_tested = np.array(tested, dtype=bool)
    unit = unit_rows(standardise(vectors))
    found = []
    for start in range(0, len(unit), ROWS):
        rows = slice(start, start + ROWS)
        similarity = unit[rows] @ unit.T
        similarity[key_of[rows, None] == key_of] = 1.0
        similarity[part_of[rows, None] == part_of] = -1.0
        similarity[~is_tested[rows]] = -1.0
        for row, other in np.argwhere(similarity >= NEARLY_EQUAL):
            clip = start + int(row)
            if not (is_tested[other] and other < clip):  # else it was found already
                nearness = min(1.0, float(similarity[row, other]))
                found.append(Twins(clip, int(other), nearness))
    return sorted(found, key=lambda one: (-one.similarity, one.clip, one.other))
