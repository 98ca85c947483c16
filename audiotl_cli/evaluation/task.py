"""What differs between one label a clip and any number of them, behind one protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from audiotl_cli.evaluation.calibration import Calibration
from audiotl_cli.evaluation.label_errors import Suspect
from audiotl_cli.evaluation.multi_label import MultiLabel
from audiotl_cli.evaluation.outcomes import Encoded, FloatArray, IntArray, Outcomes
from audiotl_cli.evaluation.single_label import SingleLabel


class Task(Protocol):
    """What a clip's label is, and how it is predicted and judged.

    Labels of clips come in two forms: as text, and encoded as numbers (see `Outcomes`).
    """

    @property
    def multi_label(self) -> bool:
        """Whether a clip may have several labels."""

    def labels_of(self, text: str) -> list[str]:
        """Return the labels that a clip's text names."""

    def encode(self, texts: Sequence[str], labels: Sequence[str]) -> Encoded:
        """Return the labels of clips as numbers."""

    def decode(self, predicted: Encoded, labels: Sequence[str]) -> list[str]:
        """Return what was encoded as text."""

    def predict(self, scores: FloatArray) -> Encoded:
        """Return the encoded prediction for every row of scores."""

    def vote(self, repeats: Sequence[Encoded], mean: FloatArray) -> Encoded:
        """Return one encoded prediction a clip, given those of every repeat and mean scores."""

    def confidence(self, scores: FloatArray, predicted: Encoded) -> FloatArray:
        """Return how sure the model is of each prediction."""

    def confusion(self, outcomes: Outcomes) -> IntArray:
        """Return the confusion matrix, true labels by row."""

    def calibration(
        self, truth: Sequence[str], labels: Sequence[str], scores: FloatArray
    ) -> Calibration | None:
        """Compare scores with how often they are right; None if they are no probabilities."""

    def label_errors(
        self, truth: Sequence[str], labels: Sequence[str], scores: FloatArray
    ) -> list[Suspect]:
        """Return the clips that may be mislabelled, the most suspect first."""


def task_of(*, multi_label: bool) -> Task:
    """Return the task that clips of one label, or of several, belong to."""
    return MultiLabel() if multi_label else SingleLabel()
