"""Linear models from the numbers in their file, without scikit-learn: its import takes longer
than to decode a recording, embed it and judge it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.outline import PIPELINE, Made, Name, Outline
from audiotl_cli.classify.scoring import softmax

Array = npt.NDArray[Any]

ROOT: Name = ("audiotl_cli.classify.root", "RootScaler")
SCALER: Name = ("sklearn.preprocessing._data", "StandardScaler")
PCA: Name = ("sklearn.decomposition._pca", "PCA")
LOGISTIC: Name = ("sklearn.linear_model._logistic", "LogisticRegression")
SUPPORT_VECTORS: Name = ("sklearn.svm._classes", "LinearSVC")


class _UnusualError(Exception):
    """Something is not as in the usual linear model."""


@dataclass(frozen=True)
class Shift:
    """A standardisation: ``(X - mean) / scale``, both (n_features,)."""

    mean: Array
    scale: Array

    def transform(self, X: Array) -> Array:
        rows: Array = X - self.mean.astype(X.dtype)
        rows /= self.scale.astype(X.dtype)
        return rows


@dataclass(frozen=True)
class RootShift(Shift):
    """What `RootScaler` does: a shift of square roots."""

    def transform(self, X: Array) -> Array:
        return super().transform(signed_root(X))


@dataclass(frozen=True)
class Projection:
    """A whitening PCA: centred after the projection, as scikit-learn does.

    Parameters
    ----------
    components : array (n_components, n_features)
    mean : array (n_features,)
    deviation : array (n_components,)
    """

    components: Array
    mean: Array
    deviation: Array

    def transform(self, X: Array) -> Array:
        rows: Array = X @ self.components.T
        rows -= self.mean.reshape(1, -1) @ self.components.T
        rows /= self.deviation
        return rows


@dataclass(frozen=True)
class LinearPipeline:
    """What a scikit-learn pipeline that ends in a linear classifier does with rows.

    Parameters
    ----------
    steps : sequence of Shift or Projection
    coef : array (n_labels, n_features), or (1, n_features) for two labels
    intercept : array (n_labels,)
    n_features_in_ : int
        Width of the rows.
    """

    steps: Sequence[Shift | Projection]
    coef: Array
    intercept: Array
    n_features_in_: int

    def decision_function(self, X: Array) -> Array:
        """Return the margins of every label, (n_rows, n_labels); one of two labels, (n_rows,)."""
        for step in self.steps:
            X = step.transform(X)
        margins: Array = X @ self.coef.T + self.intercept
        return margins.reshape(-1) if len(self.coef) == 1 else margins

    def predict(self, X: Array) -> npt.NDArray[np.intp]:
        """Return the number of the label of every row."""
        margins = self.decision_function(X)
        return (margins > 0).astype(np.intp) if margins.ndim == 1 else margins.argmax(axis=1)


class LogisticPipeline(LinearPipeline):
    """One that ends in a logistic regression."""

    def predict_proba(self, X: Array) -> Array:
        """Return probabilities, (n_rows, n_labels)."""
        margins = self.decision_function(X)
        if margins.ndim == 1:
            second = 1 / (1 + np.exp(-margins))
            return np.stack([1 - second, second], axis=1)
        return softmax(margins)


def signed_root(X: Array) -> Array:
    """Return square roots that keep their signs."""
    rooted: Array = np.sign(X) * np.sqrt(np.abs(X))
    return rooted


def linear_content(found: Outline) -> dict[str, Any] | None:
    """Return what is in a model file, its pipeline as a `LinearPipeline`.

    Parameters
    ----------
    found : Outline

    Returns
    -------
    content : dict or None
        None for any other model, for one of another version of scikit-learn, and where
        anything is not as it usually is: then scikit-learn has to tell.
    """
    content = found.content
    if found.problem or type(content) is not dict or found.versions != {version("scikit-learn")}:
        return None
    try:
        pipeline = _pipeline(content.get("pipeline"))
        n_labels = len(content["card"]["labels"])
        _expect(len(pipeline.coef) == (1 if n_labels == 2 else n_labels))
        rest = {key: value for key, value in content.items() if key != "pipeline"}
        _expect(_is_plain(rest))
    except (_UnusualError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return rest | {"pipeline": pipeline}


def _pipeline(made: Any) -> LinearPipeline:
    _expect(isinstance(made, Made) and made.what == PIPELINE)
    *before, (_, last) = made.state["steps"]
    steps = [_step(one) for _, one in before]
    _expect(last.how == "new" and last.what in (LOGISTIC, SUPPORT_VECTORS))
    coef, intercept = last.state["coef_"], np.atleast_1d(last.state["intercept_"])
    widths = [step.mean.size for step in steps] + [last.state["n_features_in_"]]
    n_labels = 2 if len(coef) == 1 else len(coef)
    _expect(coef.shape == (len(coef), widths[-1]) and intercept.shape == (len(coef),))
    _expect(np.array_equal(last.state["classes_"], np.arange(n_labels)))
    for step, width in zip(steps, widths[1:], strict=True):
        given = len(step.components) if isinstance(step, Projection) else step.mean.size
        _expect(given == width)
    kind = LogisticPipeline if last.what == LOGISTIC else LinearPipeline
    return kind(steps, coef, intercept, widths[0])


def _step(made: Made) -> Shift | Projection:
    _expect(made.how == "new")
    state = made.state
    if made.what == ROOT:
        return RootShift(*_mean_and_scale(state["scaler_"]))
    if made.what == SCALER:
        return Shift(*_mean_and_scale(made))
    _expect(made.what == PCA and state["whiten"] is True)
    components, mean, variance = (state[f"{name}_"] for name in ("components", "mean", "explained_variance"))  # fmt: skip # noqa: E501
    _expect(components.shape == (*variance.shape, *mean.shape))
    deviation = np.sqrt(variance)
    return Projection(components, mean, np.maximum(deviation, np.finfo(deviation.dtype).eps))


def _mean_and_scale(scaler: Made) -> tuple[Array, Array]:
    _expect(scaler.how == "new" and scaler.what == SCALER)
    state = scaler.state
    _expect(state["with_mean"] is True and state["with_std"] is True)
    mean, scale = state["mean_"], state["scale_"]
    _expect(mean.ndim == 1 and mean.shape == scale.shape)
    return mean, scale


def _is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(type(key) is str and _is_plain(part) for key, part in value.items())
    if type(value) in (list, tuple):
        return all(_is_plain(part) for part in value)
    return value is None or type(value) in (bool, int, float, str, np.ndarray)


def _expect(usual: bool) -> None:
    if not usual:
        raise _UnusualError
