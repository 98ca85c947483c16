"""The nearest mean of a label: what can be learnt from a handful of clips."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: TID253

from audiotl_cli.classify.scoring import softmax
from audiotl_cli.errors import UsageError


class Prototype(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Tell labels by how near the mean of their rows is (Snell et al., 2017).

    Parameters
    ----------
    metric : {"cosine", "euclidean"}
        How near: the cosine of the angle, or half the squared distance, in units of the mean
        squared length of a row. The two are the same, but for a constant, where all rows have
        the same length.
    sharpness : float
        What similarities are multiplied by before the softmax that makes scores of them.
    """

    def __init__(self, metric: str = "cosine", sharpness: float = 10.0) -> None:
        self.metric = metric
        self.sharpness = sharpness

    def fit(self, X: npt.NDArray[Any], y: npt.NDArray[Any]) -> Self:
        """Take the mean of every label's rows; of unit length, with the cosine."""
        if self.metric not in ("cosine", "euclidean"):
            raise UsageError(f"metric is {self.metric!r}, expected 'cosine' or 'euclidean'")
        rows = self._prepare(X)
        self.n_features_in_ = rows.shape[1]
        self.classes_ = np.unique(y)
        means = np.stack([rows[y == label].mean(axis=0) for label in self.classes_])
        self.means_ = _unit(means) if self.metric == "cosine" else means
        self.length_ = float((rows**2).sum(axis=1).mean()) or 1.0
        return self

    def predict_proba(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Return scores (n_rows, n_labels) that add up to 1; fit to rank, not calibrated."""
        rows = self._prepare(X)
        if self.metric == "cosine":
            near = rows @ self.means_.T
        else:
            squares = (rows**2).sum(axis=1)[:, None] + (self.means_**2).sum(axis=1)
            near = -(squares - 2 * rows @ self.means_.T) / (2 * self.length_)
        return softmax(self.sharpness * near)

    def predict(self, X: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the label of the nearest mean."""
        told: npt.NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return told

    def _prepare(self, X: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        rows = np.asarray(X, np.float64)
        return _unit(rows) if self.metric == "cosine" else rows


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: npt.NDArray[np.float64] = rows / np.where(lengths == 0, 1, lengths)
    return scaled
