"""Write a classifier of clips as ONNX, from the frames of a clip to the scores of its labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.pooling import add_pooled_clip
from audiotl_cli.classifiers.scoring import add_row_labels, add_row_scores
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph


def add_classifier(graph: Graph, classifier: ClipClassifier, parts: Sequence[str]) -> None:
    """Write a classifier of a single clip, and name its outputs.

    ``scores``, float32 (n_labels,), are those of `ClipClassifier.scores`; ``rejected`` is
    whether the clip is none of the labels.

    Parameters
    ----------
    graph : Graph
    classifier : ClipClassifier
    parts : sequence of str
        The clip's frames, float32 (n_frames, dim), by each extractor.

    Raises
    ------
    UsageError
        A part of the classifier has no ONNX form.
    """
    if classifier.events is not None:
        raise UsageError(
            "a model of events has no ONNX form yet; export a model of clips: audiotl train"
        )
    scores = _scores(graph, classifier, parts)
    n_labels = len(classifier.labels)
    if classifier.rejection is None:
        rejected = graph.constant(np.array(False))
    else:
        rejected = classifier.rejection.add_to(graph, parts, scores)
    result = graph.reshape(graph.cast(scores, np.float32), n_labels)
    graph.output("scores", result, np.float32, [n_labels])
    graph.output("rejected", rejected, np.bool_, [])


def _scores(graph: Graph, classifier: ClipClassifier, parts: Sequence[str]) -> str:
    """Return the scores of the clip, float64 (1, n_labels)."""
    rows = add_pooled_clip(graph, parts, classifier.pooling)
    outputs, n_labels = classifier.pipeline.add_outputs(graph, rows), len(classifier.labels)
    if classifier.pooling == "vote" and not classifier.multi_label:
        scores = add_row_labels(graph, outputs, n_labels)
    else:
        scores = add_row_scores(graph, outputs, n_labels, multi_label=classifier.multi_label)
    scores = graph.cast(scores, np.float64)
    if classifier.pooling == "vote":
        scores = graph.reduce("Mean", scores, 0)
    return classifier.calibrator.add_to(graph, scores) if classifier.calibrator else scores
