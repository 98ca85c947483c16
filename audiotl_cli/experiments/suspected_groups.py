"""Groups that names suggest, and whether their clips are near each other in the features."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.pooling import pool_clip
from audiotl_cli.dataset.duplicates.suggested_groups import suggest_groups
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.training import is_streamed
from audiotl_cli.vectors import standardise

MOST_CLIPS = 200
"""Clips of a label that are compared with each other; they are taken evenly from all."""

FEW_PAIRS = 20
"""Pairs of clips of one source, below which nothing is said."""

NEAR = 0.6
"""Share of comparisons from which clips of one source count as near; 0.5 is chance."""


def suspected_groups(
    data: LabelledFeatures, pooling: str, parts: Sequence[str] | None = None
) -> dict[str, Any] | None:
    """Return, as JSON, suggested groups that are both trained on and tested.

    Parameters
    ----------
    data : LabelledFeatures
    pooling : str
        Of the features that are compared.
    parts : sequence of str, optional
        As `suggest_groups`.
    """
    suggested = suggest_groups(data.clips, parts)
    if suggested is None or not suggested.n_divided:
        return None
    described = suggested.to_dict()
    if is_streamed(data):
        return described
    compiled = re.compile(suggested.expression)
    found = [compiled.search(clip.path) for clip in data.clips]
    groups = [(match.group(1) or "").strip() if match else "" for match in found]
    vectors = np.array([pool_clip(frames, pooling).mean(axis=0) for frames in data.frames])
    share = nearness(vectors, data.labels, groups)
    if share is not None:
        described["warning"] += f". {_evidence(share)}"
    return described


def nearness(
    vectors: npt.NDArray[Any], labels: Sequence[str], groups: Sequence[str]
) -> float | None:
    """Return how often clips of one group are nearer to each other than clips of two groups.

    Only clips of the same label are compared, by the distance of their standardised vectors. It is
    the area under the ROC curve: 0.5 by chance, 1 if groups are clusters.

    Parameters
    ----------
    vectors : float (n_clips, dim)
    labels, groups : sequence of str
        Of the clips; a clip without a group is left out.

    Returns
    -------
    share : float or None
        None if fewer than `FEW_PAIRS` pairs are of one group, or none is of two.
    """
    from scipy.spatial.distance import pdist
    from scipy.stats import rankdata

    scaled = standardise(vectors)
    n_within, n_pairs, wins = 0, 0, 0.0
    for label in sorted(set(labels)):
        rows = [i for i, found in enumerate(labels) if found == label and groups[i]]
        rows = rows[:: -(-len(rows) // MOST_CLIPS) or 1]
        codes = np.unique([groups[i] for i in rows], return_inverse=True)[1]
        first, second = np.triu_indices(len(rows), 1)
        within = codes[first] == codes[second]
        n = int(within.sum())
        if not 0 < n < len(within):
            continue
        ranks = rankdata(-pdist(scaled[rows]))
        wins += float(ranks[within].sum()) - n * (n + 1) / 2
        n_within, n_pairs = n_within + n, n_pairs + n * (len(within) - n)
    return wins / n_pairs if n_within >= FEW_PAIRS else None


def _evidence(share: float) -> str:
    if share < NEAR:
        return (
            "In the features, clips of one source are hardly nearer to each other than to the "
            f"rest of their label ({100 * share:.0f} of 100 comparisons; 50 by chance), so it may "
            "matter little"
        )
    return (
        "The features agree: clips of one source are nearer to each other than to the rest of "
        f"their label in {100 * share:.0f} of 100 comparisons (50 by chance)"
    )
