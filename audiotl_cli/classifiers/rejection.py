"""Reject clips that have none of the labels of a classifier.

Two scores are combined: confidence and distance. A clip between labels has a low confidence; a clip
far from all labels may have a high confidence, but is far from every label's mean. Each score is
converted to its rank among the known clips, so that no scale is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.checks import DamagedError, expect_names, floats, number
from audiotl_cli.classifiers.parts import Part, State
from audiotl_cli.classifiers.pooling import FloatArray, Frames, add_pooled_clip, pool_clip
from audiotl_cli.classifiers.scoring import ONE
from audiotl_cli.graph import Graph
from audiotl_cli.vectors import centre_and_scale

Vector = npt.NDArray[np.float64]

_KIND = "rank-product"
N_DIRECTIONS = 16
SHRINKAGE = 0.5  # shrinkage of the spread along a direction towards the mean of all
POOLING = "mean+std"
SAME = 1e-6
"""Values closer than this share a rank: scores of neighbours or trees are often equal except for
rounding, which depends on the number of clips scored at once."""


@dataclass(frozen=True)
class LabelDistances:
    """The positions of the labels in feature space.

    Parameters
    ----------
    centre, spread : float32 (dim,)
        Mean and scale of the features.
    means : float32 (n_labels, dim)
        Means of the standardised clips of each label.
    directions : float32 (n_directions, dim)
        Directions of the largest variance within labels.
    weights : float32 (n_directions + 1,)
        Weights of the squared distance along each direction, and of the remainder.
    """

    centre: FloatArray
    spread: FloatArray
    means: FloatArray
    directions: FloatArray
    weights: FloatArray

    def scores(self, clips: Sequence[Sequence[Frames]]) -> Vector:
        """Return, per clip, minus the squared distance to the nearest label's mean.

        This is the Mahalanobis distance with a covariance shared by all labels; all directions
        but the main ones share one variance.
        """
        rows = (pooled(clips) - self.centre) / self.spread
        # not a matrix product: how many threads it has shows in its last bit, and to set how
        # many takes longer than all of this
        along = np.einsum("ij,kj->ik", rows, self.directions)
        nearest = np.full(len(rows), np.inf)
        for single in self.means:
            mean = single.astype(np.float64)
            inside = (along - self.directions @ mean) ** 2
            outside = ((rows - mean) ** 2).sum(axis=1) - inside.sum(axis=1)
            distance = inside @ self.weights[:-1] + outside * self.weights[-1]
            nearest = np.minimum(nearest, distance)
        return -nearest

    def add_to(self, graph: Graph, rows: str) -> str:
        """Add the ONNX nodes of the distance score of a clip, (1, 1)."""
        centred = graph.add("Sub", graph.cast(rows, np.float64), self.centre.astype(np.float64))
        rows = graph.add("Div", centred, self.spread.astype(np.float64))
        means, weights = self.means.astype(np.float64), self.weights.astype(np.float64)
        directions = self.directions.astype(np.float64)
        along = graph.add("Sub", graph.add("MatMul", rows, directions.T), means @ directions.T)
        inside = graph.add("Mul", along, along)
        away = graph.add("Sub", rows, means)
        whole = graph.reduce("Sum", graph.add("Mul", away, away), 1)
        outside = graph.add("Sub", whole, graph.reduce("Sum", inside, 1))
        distances = graph.add(
            "Add",
            graph.add("MatMul", inside, weights[:-1, None]),
            graph.add("Mul", outside, weights[-1]),
        )
        return graph.add("Neg", graph.reduce("Min", distances, 0))


def fit_label_distances(clips: Sequence[Sequence[Frames]], labels: Sequence[str]) -> LabelDistances:
    """Fit the label distances.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One per clip.
    """
    from threadpoolctl import threadpool_limits

    # the last bit of a matrix product depends on the number of threads
    with threadpool_limits(1, "blas"):
        return _fit(pooled(clips), labels)


def _fit(rows: Vector, labels: Sequence[str]) -> LabelDistances:
    centre, spread = centre_and_scale(rows)
    rows = (rows - centre) / spread
    names, place = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    means = np.stack([rows[place == i].mean(axis=0) for i in range(len(names))])
    inner = rows - means[place]
    variances, directions = _main_directions(inner)
    total = (inner**2).sum() / len(rows)
    n_rest = rows.shape[1] - len(variances)
    rest = (total - variances.sum()) / max(n_rest, 1)
    mean = total / rows.shape[1]
    blended = (1 - SHRINKAGE) * np.append(variances, rest) + SHRINKAGE * mean
    parts = (centre, spread, means, directions, 1 / np.maximum(blended, 1e-12))
    return LabelDistances(*(np.ascontiguousarray(part, np.float32) for part in parts))


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
    """Rejects clips that have none of the labels.

    Parameters
    ----------
    distances : LabelDistances
    confidence, distance_scores : float64 (n_clips,)
        Of known clips, by models not fitted on them, sorted.
    threshold : float
        Clips with a lower acceptance are rejected; see `acceptance`.
    """

    distances: LabelDistances
    confidence: Vector
    distance_scores: Vector
    threshold: float

    def acceptance(self, clips: Sequence[Sequence[Frames]], scores: Vector) -> Vector:
        """Return how much clips resemble known clips, from 0 to 1, given their scores."""
        distances = self.distances.scores(clips)
        return acceptance(scores.max(axis=1), distances, self.confidence, self.distance_scores)

    def to_part(self) -> Part:
        """Return the part to save."""
        arrays = {name: array for name, array in vars(self.distances).items() if array.size}
        known = {"confidence": self.confidence, "distance_scores": self.distance_scores}
        return Part(_KIND, State(arrays | known, {"threshold": self.threshold}))

    @classmethod
    def from_part(cls, part: Part, n_features: int, n_labels: int) -> Self:
        """Return the saved rejection; raise `DamagedError` if it is invalid."""
        state = part.state
        names = ["centre", "spread", "means", "weights", "confidence", "distance_scores"]
        n_directions, directions = 0, np.empty((0, n_features), np.float32)
        if "directions" in state.arrays:  # none if every label has a single clip
            names.append("directions")
            directions = floats(state, "directions", None, n_features)
            n_directions = len(directions)
        expect_names(state, names, ["threshold"])
        centre, spread = (floats(state, name, n_features) for name in ("centre", "spread"))
        confidence = floats(state, "confidence", None)
        distance_scores = floats(state, "distance_scores", len(confidence))
        rising = all((np.diff(values) >= 0).all() for values in (confidence, distance_scores))
        if part.kind != _KIND or not rising or not (spread > 0).all():
            raise DamagedError("its rejection part is not valid")
        distances = LabelDistances(
            centre,
            spread,
            floats(state, "means", n_labels, n_features),
            directions,
            floats(state, "weights", n_directions + 1),
        )
        return cls(distances, confidence, distance_scores, number(state, "threshold", 0, 1))

    def add_to(self, graph: Graph, parts: Sequence[str], scores: str) -> str:
        """Add the ONNX nodes that decide whether a clip is rejected."""
        confidence = graph.reduce("Max", scores, 1)
        distance = self.distances.add_to(graph, add_pooled_clip(graph, parts, POOLING))
        ranks = graph.add(
            "Mul",
            _add_rank(graph, confidence, self.confidence),
            _add_rank(graph, distance, self.distance_scores),
        )
        rejected = graph.add("Less", graph.add("Sqrt", ranks), np.float64(self.threshold))
        return graph.add("Reshape", rejected, np.array([], np.int64))


def acceptance(
    confidence: Vector,
    distance_scores: Vector,
    known_confidence: Vector,
    known_distance_scores: Vector,
) -> Vector:
    """Return the geometric mean of both scores' ranks among known clips, 0 to 1.

    Either score alone can reject a clip (as in Fisher's method of combining tests, 1925); by the
    arithmetic mean, a clip far from everything but confidently predicted would be accepted.

    Parameters
    ----------
    confidence, distance_scores : float64 (n_clips,)
        The highest score; minus the distance from the nearest label.
    known_confidence, known_distance_scores : float64 (n_known,)
        The same of known clips, sorted.
    """
    product = _ranks(confidence, known_confidence) * _ranks(distance_scores, known_distance_scores)
    return np.asarray(np.sqrt(product))


def pooled(clips: Sequence[Sequence[Frames]]) -> Vector:
    """Return one row per clip, mean and standard deviation, whatever the classifier's pooling."""
    rows = np.concatenate([pool_clip(parts, POOLING) for parts in clips])
    return rows.astype(np.float64)


def _ranks(values: Vector, known: Vector) -> Vector:
    below = np.searchsorted(known, values - SAME, "left")
    upto = np.searchsorted(known, values + SAME, "right")
    ranks: Vector = (below + upto + 1) / (2 * len(known) + 2)  # never 0
    return ranks


def _add_rank(graph: Graph, value: str, known: Vector) -> str:
    """Add the ONNX nodes of the share of known values below; equal ones count half."""
    below = graph.reduce("Sum", graph.count(value, "Greater", known + SAME), 1)
    upto = graph.reduce("Sum", graph.count(value, "GreaterOrEqual", known - SAME), 1)
    n_below = graph.add("Add", graph.add("Add", below, upto), ONE)
    return graph.add("Div", n_below, np.float64(2 * len(known) + 2))
