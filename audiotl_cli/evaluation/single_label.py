"""Clips that have exactly one label each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from audiotl_cli.evaluation.calibration import Calibration, measure_calibration
from audiotl_cli.evaluation.label_errors import Suspect, find_label_errors
from audiotl_cli.evaluation.outcomes import Encoded, FloatArray, IntArray, Outcomes


class SingleLabel:
    """The task of choosing one label a clip; see `Task`."""

    multi_label = False

    def labels_of(self, text: str) -> list[str]:
        """Return the label of a clip."""
        return [text]

    def encode(self, texts: Sequence[str], labels: Sequence[str]) -> Encoded:
        """Return the number of every clip's label."""
        number = {label: i for i, label in enumerate(labels)}
        return np.array([number[text] for text in texts], np.int64)

    def decode(self, predicted: Encoded, labels: Sequence[str]) -> list[str]:
        """Return the label of every clip."""
        return [labels[i] for i in predicted.tolist()]

    def predict(self, scores: FloatArray) -> Encoded:
        """Return the label with the highest score, the first of equals."""
        best: Encoded = scores.argmax(axis=1)
        return best

    def vote(self, repeats: Sequence[Encoded], mean: FloatArray) -> Encoded:
        """Return the label predicted most often; of equals, the one with the highest score."""
        if len(repeats) == 1:
            return repeats[0]
        votes = np.stack(repeats, axis=1).tolist()
        found = []
        for row, vote in zip(mean, votes, strict=True):
            counted = Counter(vote)
            found.append(max(counted, key=lambda label: (counted[label], row[label], -label)))
        return np.array(found, np.int64)

    def confidence(self, scores: FloatArray, predicted: Encoded) -> FloatArray:
        """Return the score of the predicted label."""
        return scores[np.arange(len(scores)), predicted]

    def confusion(self, outcomes: Outcomes) -> IntArray:
        """Count clips by true label (row) and predicted label (column)."""
        from sklearn.metrics import confusion_matrix

        numbers = range(len(outcomes.labels))
        found: IntArray = confusion_matrix(outcomes.truth, outcomes.predicted, labels=numbers)
        return found

    def calibration(
        self, truth: Sequence[str], labels: Sequence[str], scores: FloatArray
    ) -> Calibration | None:
        """Compare the score of the predicted label with how often it is right."""
        return measure_calibration(truth, labels, scores)

    def label_errors(
        self, truth: Sequence[str], labels: Sequence[str], scores: FloatArray
    ) -> list[Suspect]:
        """Return the clips that another label fits better."""
        return find_label_errors(truth, labels, scores)
