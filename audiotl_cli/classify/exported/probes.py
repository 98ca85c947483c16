"""Made clips to hold a model and its export against each other on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.pooling import FloatArray

N_PROBES = 60
REACHES = (0.3, 1.0, 3.0)  # how far from where its clips lay, in their spreads


def made_probes(classifier: ClipClassifier, widths: Sequence[int]) -> list[list[FloatArray]]:
    """Make clips that lie about where the model's own lay, as far as it knows.

    Parameters
    ----------
    classifier : ClipClassifier
    widths : sequence of int
        The width of a frame of each extractor.

    Returns
    -------
    clips : list of lists of float32 (n_frames, dim)
        Of 1 to 12 frames; the same for the same model.
    """
    rng = np.random.default_rng(0)
    pooled_twice = 1 if classifier.pooling in ("mean", "vote") else 2
    centre, spread = _whereabouts(classifier.pipeline)
    clips = []
    for number in range(N_PROBES):
        n_frames, first, parts = 1 + number % 12, 0, []
        for width in widths:
            place = slice(first, first + width)
            middle = centre[place] + spread[place] * rng.normal(0, REACHES[number % 3], width)
            frames = middle + spread[place] * rng.normal(0, 0.5, (n_frames, width))
            parts.append(frames.astype(np.float32))
            first += width * pooled_twice
        clips.append(parts)
    return clips


def _whereabouts(pipeline: Any) -> tuple[Any, Any]:
    """Return the centre and spread of the features a pipeline was fitted on, at a guess."""
    first = pipeline.steps[0][1]
    name = type(first).__name__
    if name == "Average":
        centres, spreads = zip(*map(_whereabouts, first.members_), strict=True)
        return np.concatenate(centres), np.concatenate(spreads)
    if name == "StandardScaler":
        return first.mean_, first.scale_
    if name == "RootScaler":
        middle, deviation = first.scaler_.mean_, np.sqrt(first.scaler_.var_)
        return np.sign(middle) * middle**2, deviation * (2 * np.abs(middle) + deviation)
    if name == "PCA":
        return first.mean_, np.sqrt(first.explained_variance_ @ first.components_**2)
    n = pipeline.n_features_in_
    parts = [first, *getattr(first, "estimators_", ())]
    for rows in ("_fit_X", "support_vectors_", "means_"):
        known = [getattr(part, rows) for part in parts if hasattr(part, rows)]
        if known:
            return known[0].mean(axis=0), known[0].std(axis=0)
    centre, spread = np.zeros(n), np.ones(n)
    for feature, values in _thresholds(parts).items():
        centre[feature], spread[feature] = np.mean(values), np.std(values) or 1.0
    return centre, spread


def _thresholds(parts: Sequence[Any]) -> dict[int, list[float]]:
    """Return what trees ask of each feature."""
    found: dict[int, list[float]] = {}
    trees = [(one.tree_.feature, one.tree_.threshold) for one in parts if hasattr(one, "tree_")]
    for one in parts:
        nodes = [tree.nodes for round_ in getattr(one, "_predictors", ()) for tree in round_]
        trees += [(n["feature_idx"][n["is_leaf"] == 0], n["num_threshold"]) for n in nodes]
    for features, thresholds in trees:
        for feature, threshold in zip(features.tolist(), thresholds.tolist(), strict=False):
            if feature >= 0:
                found.setdefault(feature, []).append(threshold)
    return found
