"""From what a fitted pipeline says of rows to one score a label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.pooling import FloatArray


def row_scores(
    pipeline: Any, X: FloatArray, n_labels: int, *, multi_label: bool = False
) -> npt.NDArray[np.float64]:
    """Return the score of every label for every row.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted.
    X : float32 (n_rows, n_features)
    n_labels : int
    multi_label : bool
        Whether a row may have several labels, each with a score of its own.

    Returns
    -------
    scores : float64 (n_rows, n_labels)
        0 to 1. Probabilities where the classifier gives some; else margins put through a
        softmax, or each through the logistic function where there may be several labels.
        Rows add up to 1 where there is one label a row.
    """
    if hasattr(pipeline, "predict_proba") and (not multi_label or all_likely(pipeline[-1])):
        probabilities: npt.NDArray[np.float64] = np.asarray(pipeline.predict_proba(X), np.float64)
        return probabilities
    margins = np.asarray(pipeline.decision_function(X), np.float64)
    if multi_label:
        each: npt.NDArray[np.float64] = 0.5 * (1 + np.tanh(margins.reshape(len(X), -1) / 2))
        return each
    if n_labels == 2:
        margins = np.stack([-margins, margins], axis=1) / 2
    return softmax(margins)


def all_likely(estimator: Any) -> bool:
    """Return whether all classifiers of one a label give probabilities.

    scikit-learn asks only the first, which may be a constant, for a label that is on every clip,
    and have what the others have not.
    """
    return all(hasattr(member, "predict_proba") for member in getattr(estimator, "estimators_", []))


def softmax(margins: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return rows of positive numbers that add up to 1."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    scores: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return scores
