"""Pairs of clips on both sides of an evaluation that are the same, or nearly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.vectors import centre_and_scale

NEARLY_EQUAL = 0.995
"""Cosine of standardised vectors. Different recordings of ESC-10 reach 0.994 (YAMNet), so only
copies that are all but equal are found, not every one that was compressed again."""
ROUNDING = 1e-5
"""By how much a cosine in single precision may be off."""
ROWS = 256
"""Clips that are compared with all others at a time."""
N_DIRECTIONS = 64
"""Along which vectors are compared first: two vectors are at least as far apart as along these."""
MOST_PAIRS, MOST_A_CLIP = 10_000, 50
"""Pairs that are listed, of all clips and of one: at most."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Pair:
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


@dataclass(frozen=True)
class DuplicatePair:
    """Two clips that are nearly the same; see `Pair`."""

    clip: EvaluatedClip
    other: EvaluatedClip
    similarity: float

    def to_dict(self) -> dict[str, Any]:
        """Return the pair as JSON."""
        return {
            "path": self.clip.path,
            "other": self.other.path,
            "similarity": round(self.similarity, 6),
            "label": self.clip.label,
            "other_label": self.other.label,
            **self.clip.bounds(),
            **self.other.bounds("other_"),
        }


def find_duplicates(
    vectors: npt.NDArray[np.float32],
    keys: Sequence[str],
    parts: Sequence[str],
    tested: Sequence[bool],
) -> list[Pair]:
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

    Returns
    -------
    pairs : list of Pair
        At most `MOST_PAIRS`, and about `MOST_A_CLIP` a clip.
    """
    part_of = np.unique(np.array(parts, dtype=object).astype(str), return_inverse=True)[1]
    key_of = np.unique(np.array(keys), return_inverse=True)[1]
    is_tested = np.array(tested, dtype=bool)
    mean, spread = centre_and_scale(vectors)
    near = _near(_unit(vectors, mean, spread, np.float32), part_of, is_tested)
    found: list[Pair] = []
    for first, second in (*near, _same_keys(key_of, part_of, is_tested)):
        # the tested clip first; of two, the one that comes first
        swap = is_tested[second] & (~is_tested[first] | (second < first))
        clips, others = np.where(swap, second, first), np.where(swap, first, second)
        for start in range(0, len(clips), ROWS):
            some, beside = clips[start : start + ROWS], others[start : start + ROWS]
            a, b = (_unit(vectors[rows], mean, spread, np.float64) for rows in (some, beside))
            similarity = np.minimum(np.einsum("ij,ij->i", a, b), 1.0)
            similarity[key_of[some] == key_of[beside]] = 1.0
            enough = (similarity >= NEARLY_EQUAL) & is_tested[some]
            columns = (values[enough].tolist() for values in (some, beside, similarity))
            found += [Pair(*values) for values in zip(*columns, strict=True)]
        if len(found) > 2 * MOST_PAIRS:
            found = _nearest(found)
    return _nearest(found)


def _nearest(found: list[Pair]) -> list[Pair]:
    return sorted(set(found), key=lambda pair: (-pair.similarity, pair.clip, pair.other))[
        :MOST_PAIRS
    ]


def _unit(
    vectors: npt.NDArray[np.float32],
    mean: FloatArray,
    spread: FloatArray,
    dtype: type[np.floating[Any]],
) -> npt.NDArray[Any]:
    """Return standardised vectors of length 1."""
    unit = np.empty(vectors.shape, dtype)
    for start in range(0, len(vectors), ROWS):
        rows = slice(start, start + ROWS)
        standard = (vectors[rows] - mean) / spread
        unit[rows] = standard / np.maximum(np.linalg.norm(standard, axis=1, keepdims=True), 1e-12)
    return unit


def _near(
    unit: npt.NDArray[np.float32], part_of: IntArray, is_tested: npt.NDArray[np.bool_]
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield pairs of clips in different parts that may be nearly equal, at least one tested.

    Vectors are compared along a few directions only: that is fast, and misses none.
    """
    few = unit @ _directions(unit)
    squares = (few**2).sum(axis=1)
    squares[~unit.any(axis=1)] = 100.0  # far away: clips of average features are like no others
    ones = np.ones_like(squares)
    # one product gives squared distances: |a|^2 - 2 ab + |b|^2
    left = np.column_stack([few, squares, ones])
    right = np.column_stack([-2 * few, ones, squares])
    most = 2 * (1 - NEARLY_EQUAL) + ROUNDING
    order = np.argsort(part_of, kind="stable")
    ends = np.flatnonzero(np.diff(part_of[order], append=-1)) + 1
    for start, end in pairwise([0, *ends.tolist()]):
        part, others = order[start:end], order[end:]
        if not is_tested[part].any():
            others = others[is_tested[others]]
        columns = right[others].T.copy()
        for first in range(0, len(part), ROWS):
            rows = part[first : first + ROWS]
            close = left[rows] @ columns <= most
            crowded = np.flatnonzero(close.sum(axis=1) > MOST_A_CLIP)
            close[crowded] &= close[crowded].cumsum(axis=1, dtype=np.int32) <= MOST_A_CLIP
            which, beside = np.nonzero(close)
            yield rows[which], others[beside]


def _same_keys(
    key_of: IntArray, part_of: IntArray, is_tested: npt.NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:
    """Return pairs of a tested clip and one of the same sound in another part."""
    order = np.argsort(key_of, kind="stable")
    pairs = []
    for members in np.split(order, np.flatnonzero(np.diff(key_of[order])) + 1):
        if len(members) < 2:
            continue
        for clip in members[is_tested[members]].tolist():
            others = members[part_of[members] != part_of[clip]][:MOST_A_CLIP]
            pairs += [(clip, other) for other in others.tolist()]
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _directions(unit: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return orthonormal directions (dim, n) along which some of the vectors differ most."""
    some = unit[:: max(1, len(unit) // 4096)]
    if some.shape[1] <= N_DIRECTIONS:
        return np.eye(some.shape[1], dtype=np.float32)
    return np.linalg.eigh(some.T @ some)[1][:, -N_DIRECTIONS:]
