"""Fit a classifier of frames: scaled, on principal components, by logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.one_versus_rest import Constant, OneVersusRest
from audiotl_cli.classifiers.parts import Array, Head, Step
from audiotl_cli.classifiers.pipeline import Fitted, Pipeline, read_pipeline
from audiotl_cli.classifiers.registry import find_recipe
from audiotl_cli.classifiers.steps.sqrt_scaling import SqrtScaler, SqrtScaling
from audiotl_cli.classifiers.steps.standardise import Standardise
from audiotl_cli.classifiers.steps.whitening import Whitening

RECIPE = "logreg"


@dataclass(frozen=True)
class FrameOptions:
    """How a classifier of frames is fitted.

    Parameters
    ----------
    sqrt : bool
        Whether square roots are scaled by one factor, instead of each feature by its own.
    n_components : int
        Principal components; fewer where there are not as many features or rows.
    C : float
        Inverse strength of the regularisation, at a mean row weight of 1.
    max_iter : int
    """

    sqrt: bool = True
    n_components: int = 200
    C: float = 0.03
    max_iter: int = 1000

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the estimator."""
        return {"C": self.C, "max_iter": self.max_iter}


@dataclass(frozen=True)
class FrameRows:
    """Frames with their labels.

    Parameters
    ----------
    X : float32 (n_rows, n_features)
    y : int64 (n_rows,) or (n_rows, n_labels)
        Numbers of labels; or 0 and 1 where frames may have several, all 0 for background.
    weights : float64 (n_rows,)
    """

    X: Array
    y: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]

    def take(self, rows: Any) -> FrameRows:
        """Return some of the rows."""
        return FrameRows(self.X[rows], self.y[rows], self.weights[rows])


def fit_frames(rows: FrameRows, n_labels: int, options: FrameOptions) -> Pipeline:
    """Fit a classifier of frames.

    Parameters
    ----------
    rows : FrameRows
        With each label at least once.
    n_labels : int
    options : FrameOptions
    """
    from threadpoolctl import threadpool_limits

    # the last bit of a matrix product depends on the number of threads
    with threadpool_limits(1, "blas"):
        steps = _fit_steps(rows.X, options)
        X = rows.X
        for step in steps:
            X = step.apply(X)
        weights = rows.weights * (len(rows.weights) / rows.weights.sum())
        head = _fit_head(X, rows.y, weights, options)
    part = Pipeline(steps, head, rows.X.shape[1]).to_part().settled()
    return read_pipeline(part, n_labels, multi_label=rows.y.ndim == 2)


def _fit_steps(X: Array, options: FrameOptions) -> list[Step]:
    scaling: Step
    if options.sqrt:
        scaling = SqrtScaling.of(SqrtScaler().fit(X))
    else:
        deviation = X.std(axis=0, dtype=np.float64)
        scaling = Standardise(
            X.mean(axis=0, dtype=np.float64), np.where(deviation > 0, deviation, 1)
        )
    scaled = scaling.apply(X)
    n_components = min(options.n_components, X.shape[1], max(1, len(X) - 1))
    return [scaling, _principal_components(scaled, n_components)]


def _principal_components(X: Array, n_components: int) -> Whitening:
    """Return the directions of the largest variance, all of them scaled alike."""
    mean = X.mean(axis=0, dtype=np.float64)
    around = X - mean
    values, vectors = np.linalg.eigh(around.T @ around)
    largest = np.argsort(-values, kind="stable")[:n_components]
    components = vectors[:, largest].T
    # the sign of an eigenvector is arbitrary, and must not depend on the machine
    highest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(len(components)), highest])[:, None]
    components = components.astype(X.dtype)
    return Whitening(components, mean.astype(X.dtype), np.ones(n_components, X.dtype))


def _fit_head(X: Array, y: npt.NDArray[np.int64], weights: Array, options: FrameOptions) -> Head:
    recipe = find_recipe(RECIPE)
    if y.ndim == 1:
        estimator = recipe.build(options.params).fit(X, y, sample_weight=weights)
        return Fitted(recipe, recipe.to_state(estimator))
    members: Sequence[Head] = [
        Fitted(
            recipe, recipe.to_state(recipe.build(options.params).fit(X, has, sample_weight=weights))
        )
        if 0 < has.sum() < len(has)
        else Constant(int(has[0]))
        for has in y.T
    ]
    return OneVersusRest(members)
