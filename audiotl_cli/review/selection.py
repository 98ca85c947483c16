"""Which clips to label next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.pooling import FloatArray

MOST = 3000
"""Clips that are weighed against each other, the least sure ones: a matrix of 36 MB."""

DOUBT_POWER, SIMILARITY_POWER = 4, 2
"""Powers, chosen among some 40 rules on ESC-10 with three networks: see docs/adr/0006."""

Scores = npt.NDArray[np.float64]


def doubt(scores: Scores, *, multi_label: bool = False) -> Scores:
    """Return how unsure a classifier is of every clip, from 0 to 1.

    1 less the margin: how far the highest score is above the next, or, where a clip may have
    several labels, how far the least sure of them is from one half, doubled.

    Parameters
    ----------
    scores : float64 (n_clips, n_labels)
    multi_label : bool
    """
    if multi_label:
        margin = np.abs(2 * scores - 1).min(axis=1)
    else:
        highest = np.partition(scores, -2, axis=1)[:, -2:]
        margin = highest[:, 1] - highest[:, 0]
    doubts: Scores = np.clip(1 - margin, 0.0, 1.0)
    return doubts


def suggest(
    units: FloatArray,
    doubts: Scores,
    known: FloatArray,
    groups: Sequence[Hashable],
    n: int,
) -> list[int]:
    """Return the clips whose labels would say most about those in doubt.

    One after the other, the clip is taken that brings most doubt nearer to a clip with a label:
    the sum over all clips of their doubt (to the power of `DOUBT_POWER`) times the gain in
    similarity (the cosine to the power of `SIMILARITY_POWER`) to the nearest that is labelled or
    taken. So unusual clips that are like no other are left, and so are clips like those taken
    already. With no classifier yet, this picks the clips that stand best for all.

    Weighted facility location: Wei, K., Iyer, R., Bilmes, J. (2015). Submodularity in data
    subset selection and active learning. ICML.

    Parameters
    ----------
    units : float32 (n_clips, dim)
        Of the clips to choose from, length 1; see `SimilarityScale`.
    doubts : float64 (n_clips,)
    known : float32 (n_labelled, dim)
        Of the clips that have a label.
    groups : sequence of hashable
        The group of every clip; of a group, at most one clip is taken. None is a group of its own.
    n : int

    Returns
    -------
    chosen : list of int
        Positions, the most telling first; fewer where there are not so many groups.
    """
    weight = doubts.astype(np.float32) ** DOUBT_POWER
    near = _similarity(units @ units.T)
    covered = np.zeros(len(units), np.float32)
    for some in np.array_split(known, len(known) // MOST + 1):
        if len(some):
            covered = np.maximum(covered, _similarity(units @ some.T).max(axis=1))
    free = np.ones(len(units), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < n and free.any():
        gain = weight @ np.maximum(near - covered[:, None], 0)
        # where nothing is gained any more, the least sure
        best = int(np.lexsort((-doubts, -np.round(gain, 5), ~free))[0])
        chosen.append(best)
        same = [i for i, group in enumerate(groups) if group is not None and group == groups[best]]
        free[[best, *same]] = False
        covered = np.maximum(covered, near[best])
    return chosen


def _similarity(cosines: FloatArray) -> FloatArray:
    near: FloatArray = np.maximum(cosines, 0) ** SIMILARITY_POWER
    return near
