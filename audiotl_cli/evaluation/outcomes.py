"""Predictions beside the true labels, as arrays that metrics are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Encoded = npt.NDArray[np.integer[Any]]
"""Labels of clips: a number each; or 0 and 1 for every clip (row) and label (column)."""


@dataclass(frozen=True)
class LabelCounts:
    """How often each label was predicted, and how often rightly.

    Parameters
    ----------
    precision, recall, f1 : float64 (n_labels,)
        0 where nothing was predicted or present.
    n_true : int (n_labels,)
        Predictions of clips that have the label.
    """

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    n_true: IntArray


@dataclass(frozen=True)
class Outcomes:
    """Predictions of clips, beside their true labels.

    Parameters
    ----------
    labels : sequence of str
        All labels that are true or predicted, or that the model knows.
    truth, predicted : Encoded
    scores : float64 (n_predictions, n_labels) or None
        0 for labels that the model does not know.
    n_repeats : int
        How often every clip was predicted; the repeats follow one another.
    positive : int or None
        The number of the label that is to be found, where there are two.
    """

    labels: Sequence[str]
    truth: Encoded
    predicted: Encoded
    scores: FloatArray | None = None
    n_repeats: int = 1
    positive: int | None = None

    @property
    def multi_label(self) -> bool:
        """Whether a clip may have several labels."""
        return self.truth.ndim == 2

    @cached_property
    def right(self) -> BoolArray:
        """Which predictions name all labels of the clip, and no other."""
        same: BoolArray = self.truth == self.predicted
        return np.asarray(same.all(axis=1), bool) if self.multi_label else same

    @cached_property
    def by_label(self) -> LabelCounts:
        """Precision, recall and F1 of every label."""
        from sklearn.metrics import precision_recall_fscore_support

        found = precision_recall_fscore_support(
            self.truth, self.predicted, labels=range(len(self.labels)), zero_division=0
        )
        return LabelCounts(*found)

    @property
    def present(self) -> BoolArray:
        """Which labels any clip has; means over labels are over these."""
        return self.by_label.n_true > 0
