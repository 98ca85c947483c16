"""Clips that may have any number of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from audiotl_cli.evaluation.calibration import Calibration, measure_multi_label_calibration
from audiotl_cli.evaluation.label_errors import Suspect, find_multi_label_errors
from audiotl_cli.evaluation.outcomes import Encoded, FloatArray, IntArray, Outcomes
from audiotl_cli.labels import THRESHOLD, join_labels, split_labels


class MultiLabel:
    """The task of saying of every label whether a clip has it; see `Task`."""

    multi_label = True

    def labels_of(self, text: str) -> list[str]:
        """Return the labels of a clip, sorted."""
        return split_labels(text)

    def encode(self, texts: Sequence[str], labels: Sequence[str]) -> Encoded:
        """Return 0 or 1 for every clip (row) and label (column); labels not listed are left out."""
        number = {label: i for i, label in enumerate(labels)}
        has = np.zeros((len(texts), len(labels)), np.int8)
        for row, text in enumerate(texts):
            has[row, [number[label] for label in split_labels(text) if label in number]] = 1
        return has

    def decode(self, predicted: Encoded, labels: Sequence[str]) -> list[str]:
        """Return the labels of every clip as one text; empty where it has none."""
        found: list[list[str]] = [[] for _ in predicted]
        for row, column in np.argwhere(predicted).tolist():
            found[row].append(labels[column])
        return [join_labels(some) for some in found]

    def predict(self, scores: FloatArray) -> Encoded:
        """Return 1 for every label whose score reaches the threshold."""
        return (scores >= THRESHOLD).astype(np.int8)

    def vote(self, repeats: Sequence[Encoded], mean: FloatArray) -> Encoded:
        """Return the set of labels predicted most often; of equals, the one predicted first."""
        if len(repeats) == 1:
            return repeats[0]
        voted = np.empty_like(repeats[0])
        for row in range(len(voted)):
            counted = Counter(repeat[row].tobytes() for repeat in repeats)
            most = max(counted, key=counted.__getitem__)
            voted[row] = np.frombuffer(most, voted.dtype)
        return voted

    def confidence(self, scores: FloatArray, predicted: Encoded) -> FloatArray:
        """Return how sure the least sure of the decisions about a clip is, 0.5 to 1."""
        least: FloatArray = np.where(predicted > 0, scores, 1 - scores).min(axis=1)
        return least

    def confusion(self, outcomes: Outcomes) -> IntArray:
        """Count clips that have the row's label and were wrongly predicted to have the column's.

        The diagonal counts clips that were rightly predicted to have a label.
        """
        truth = outcomes.truth.astype(np.float32)  # exact up to 2 ** 24 clips, and fast
        wrong = ((outcomes.predicted > 0) & (outcomes.truth == 0)).astype(np.float32)
        counts: IntArray = (truth.T @ wrong).astype(np.int64)
        np.fill_diagonal(counts, np.minimum(outcomes.truth, outcomes.predicted).sum(0, dtype=int))
        return counts

    def calibration(
        self, truth: Sequence[str], labels: Sequence[str], scores: FloatArray
    ) -> Calibration | None:
        """Compare the scores of predicted labels with how often these are right."""
        return measure_multi_label_calibration(self.encode(truth, labels), scores, THRESHOLD)

    def label_errors(
        self, truth: Sequence[str], labels: Sequence[str], scores: FloatArray
    ) -> list[Suspect]:
        """Return the clips that other sets of labels fit better."""
        suggested = self.decode(self.predict(scores), labels)
        return find_multi_label_errors(self.encode(truth, labels), scores, suggested)
