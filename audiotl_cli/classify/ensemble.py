"""A classifier for every extractor, and the mean of what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone  # noqa: TID253

from audiotl_cli.classify.scoring import row_scores


class Average(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit one pipeline to the columns of each extractor, and average their scores.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted anew for every extractor.
    widths : sequence of int
        How many columns belong to each extractor.
    multi_label : bool
        Whether a row may have several labels.
    """

    def __init__(self, pipeline: Any, widths: Sequence[int], multi_label: bool = False) -> None:
        self.pipeline = pipeline
        self.widths = widths
        self.multi_label = multi_label

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> Self:
        """Fit every extractor's pipeline."""
        self.n_features_in_ = X.shape[1]
        self.classes_ = np.arange(y.shape[1]) if self.multi_label else np.unique(y)
        self.members_ = [clone(self.pipeline).fit(part, y) for part in self._parts(X)]
        return self

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return the mean of the members' scores (n_rows, n_labels)."""
        n_labels = len(self.classes_)
        scores = [
            row_scores(member, part, n_labels, multi_label=self.multi_label)
            for member, part in zip(self.members_, self._parts(X), strict=True)
        ]
        mean: npt.NDArray[np.float64] = np.mean(scores, axis=0)
        return mean

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the label with the highest score."""
        told: npt.NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return told

    def _parts(self, X: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        ends = np.cumsum(self.widths)
        for first, last in zip([0, *ends[:-1]], ends, strict=True):
            yield X[:, first:last]
