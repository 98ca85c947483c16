"""Find clips that probably come from the same source when the index has no groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.components import component_numbers
from audiotl_cli.vectors import standardise, unit_rows

_ROWS = 512  # clips compared with all others at once
_ROUNDING = 1e-9


def find_near(X: npt.NDArray[np.floating]) -> list[int]:
    """Return the groups of clips that are each other's nearest.

    Two clips are joined if they are mutual nearest neighbours (by the cosine of standardised
    features) or equal. This needs no threshold: in any data, mutual nearest neighbours are the
    clips most likely to leak across folds.

    Parameters
    ----------
    X : float (n_clips, dim)
        Pooled features.

    Returns
    -------
    groups : list of int
        One a clip, numbered as they first appear.
    """
    Z = unit_rows(standardise(X))
    nearest = np.empty(len(Z))
    for start in range(0, len(Z), _ROWS):
        nearest[start : start + _ROWS] = _distances(Z, start).min(axis=1)
    pairs = []
    for start in range(0, len(Z), _ROWS):
        rows = slice(start, start + _ROWS)
        most = np.minimum(nearest[rows, None], nearest[None, :]) + _ROUNDING
        first, second = np.nonzero(_distances(Z, start) <= most)
        pairs.append(np.stack([first + start, second]))
    first, second = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), int)
    return component_numbers(len(Z), zip(first.tolist(), second.tolist(), strict=True))


def _distances(Z: npt.NDArray[np.float64], start: int) -> npt.NDArray[np.float64]:
    """Return half the squared distance of some rows to all rows, infinite to themselves."""
    some = Z[start : start + _ROWS]
    squares = (Z**2).sum(axis=1)
    found = (squares[start : start + _ROWS, None] + squares[None, :]) / 2 - some @ Z.T
    own = np.arange(len(some))
    found[own, own + start] = np.inf
    return np.asarray(found, np.float64)


def join_groups(*several: Sequence[Hashable]) -> list[int]:
    """Return the finest groups in which clips that share one of several groups are together.

    Parameters
    ----------
    *several : sequence of hashable
        Groups of the same clips; None for a clip that has none.

    Returns
    -------
    groups : list of int
        One a clip, numbered as they first appear.
    """
    pairs = []
    for groups in several:
        first: dict[Hashable, int] = {}
        pairs += [
            (first.setdefault(group, i), i) for i, group in enumerate(groups) if group is not None
        ]
    return component_numbers(len(several[0]), pairs)
