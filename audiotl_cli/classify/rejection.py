"""Notice clips of labels that a classifier has never heard of.

Two signs are taken together. A clip between labels has no high score; a clip far from all of
them may have one, but lies far from every label's mean. Each sign is put as a rank among the
known clips, so that neither needs a scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.pooling import FloatArray, Frames, pool_clip

Vector = npt.NDArray[np.float64]

N_DIRECTIONS = 16
SHRINKAGE = 0.5  # of the spread along a direction, towards the mean of all
POOLING = "mean+std"
SAME = 1e-6
"""How near two values share a rank: scores of neighbours or trees are often equal by nature, but
for the last digit, which the number of clips judged at once decides."""


@dataclass(frozen=True)
class Surroundings:
    """Where the labels lie.

    Parameters
    ----------
    centre, spread : float32 (dim,)
        What features are standardised by.
    means : float32 (n_labels, dim)
        Of the labels' standardised clips.
    directions : float32 (n_directions, dim)
        Along which clips of one label differ most.
    weights : float32 (n_directions + 1,)
        Of a squared distance along each, and of the rest.
    """

    centre: FloatArray
    spread: FloatArray
    means: FloatArray
    directions: FloatArray
    weights: FloatArray

    def nearness(self, clips: Sequence[Sequence[Frames]]) -> Vector:
        """Return minus the squared distance from the nearest label's mean, one a clip.

        It is Mahalanobis' distance with one spread for all labels, the main directions taken
        as they are and the others as one.
        """
        rows = (pooled(clips) - self.centre) / self.spread
        # not a matrix product: how many threads it has shows in its last bit, and to tell it how
        # many takes longer than all of this
        along = np.einsum("ij,kj->ik", rows, self.directions)
        nearest = np.full(len(rows), np.inf)
        for mean in self.means.astype(np.float64):
            inside = (along - self.directions @ mean) ** 2
            outside = ((rows - mean) ** 2).sum(axis=1) - inside.sum(axis=1)
            distance = inside @ self.weights[:-1] + outside * self.weights[-1]
            nearest = np.minimum(nearest, distance)
        return -nearest


def fit_surroundings(clips: Sequence[Sequence[Frames]], labels: Sequence[str]) -> Surroundings:
    """Learn where the labels lie.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip.
    """
    from threadpoolctl import threadpool_limits

    # how many threads a matrix product has shows in its last bit
    with threadpool_limits(1, "blas"):
        return _fit(pooled(clips), labels)


def _fit(rows: Vector, labels: Sequence[str]) -> Surroundings:
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    rows = (rows - centre) / spread
    names, number = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    means = np.stack([rows[number == i].mean(axis=0) for i in range(len(names))])
    inner = rows - means[number]
    variances, directions = _main_directions(inner)
    total = (inner**2).sum() / len(rows)
    n_rest = rows.shape[1] - len(variances)
    rest = (total - variances.sum()) / max(n_rest, 1)
    mean = total / rows.shape[1]
    blended = (1 - SHRINKAGE) * np.append(variances, rest) + SHRINKAGE * mean
    parts = (centre, spread, means, directions, 1 / np.maximum(blended, 1e-12))
    return Surroundings(*(part.astype(np.float32) for part in parts))


def _main_directions(rows: Vector) -> tuple[Vector, Vector]:
    """Return the largest variances and their directions (n, dim), by the smaller product."""
    wide = rows.shape[1] > len(rows)
    values, vectors = np.linalg.eigh((rows @ rows.T if wide else rows.T @ rows) / len(rows))
    n = min(N_DIRECTIONS, int((values > 1e-9 * max(values[-1], 1e-300)).sum()))
    values, vectors = values[::-1][:n], vectors[:, ::-1][:, :n]
    if not wide:
        return values, vectors.T
    return values, (rows.T @ vectors / np.sqrt(values * len(rows))).T


@dataclass(frozen=True)
class Rejection:
    """What a model needs to say "none of these".

    Parameters
    ----------
    surroundings : Surroundings
    sureness, nearness : float64 (n_clips,)
        Of known clips, by models not fitted on them, sorted.
    threshold : float
        Below it a clip is rejected; see `familiarity`.
    """

    surroundings: Surroundings
    sureness: Vector
    nearness: Vector
    threshold: float

    def familiarity(self, clips: Sequence[Sequence[Frames]], scores: Vector) -> Vector:
        """Return how well known clips look, 0 to 1, given the scores of their labels."""
        near = self.surroundings.nearness(clips)
        return familiarity(scores.max(axis=1), near, self.sureness, self.nearness)


def familiarity(
    sureness: Vector, nearness: Vector, known_sureness: Vector, known_nearness: Vector
) -> Vector:
    """Return the geometric mean of both signs' ranks among known clips, 0 to 1.

    Either sign alone can speak against a clip (as in Fisher's way to combine tests, 1925); by
    the arithmetic mean, a clip far from everything but surely told would pass.

    Parameters
    ----------
    sureness, nearness : float64 (n_clips,)
        The highest score; minus the distance from the nearest label.
    known_sureness, known_nearness : float64 (n_known,)
        The same of known clips, sorted.
    """
    both = _ranks(sureness, known_sureness) * _ranks(nearness, known_nearness)
    return np.asarray(np.sqrt(both))


def pooled(clips: Sequence[Sequence[Frames]]) -> Vector:
    """Return one row a clip, mean and deviation, whatever the classifier's own pooling."""
    rows = np.concatenate([pool_clip(parts, POOLING) for parts in clips])
    return rows.astype(np.float64)


def _ranks(values: Vector, known: Vector) -> Vector:
    below = np.searchsorted(known, values - SAME, "left")
    upto = np.searchsorted(known, values + SAME, "right")
    ranks: Vector = (below + upto + 1) / (2 * len(known) + 2)  # never 0: there is always a next
    return ranks
