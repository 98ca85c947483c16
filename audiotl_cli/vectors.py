"""Standardise and normalise rows of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_ROWS = 4096
_ROUNDING = 1e-9  # a feature that varies less than this share of its mean is constant
_SMALLEST = 1e-36  # and so is one whose deviation single precision hardly holds


def centre_and_scale(X: npt.NDArray[Any]) -> tuple[Vector, Vector]:
    """Return the mean and the deviation of each feature of rows (n_rows, n_features).

    A feature that is constant up to rounding has the scale 1, as in scikit-learn's
    `StandardScaler`.
    """
    centre = X.mean(axis=0, dtype=np.float64)
    squares = np.zeros(X.shape[1])
    for start in range(0, len(X), _ROWS):  # in blocks: a copy of all rows could fill the memory
        squares += ((X[start : start + _ROWS] - centre) ** 2).sum(axis=0)
    deviation = np.sqrt(squares / len(X))
    varies = deviation > np.maximum(_ROUNDING * np.abs(centre), _SMALLEST)
    return centre, np.where(varies, deviation, 1.0)


def standardise(X: npt.NDArray[Any]) -> Vector:
    """Return rows whose features have the mean 0 and the deviation 1; see `centre_and_scale`."""
    centre, scale = centre_and_scale(X)
    standardised: Vector = (X - centre) / scale
    return standardised


def unit_rows(X: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return rows scaled to length 1; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", X, X))[:, None]
    scaled: npt.NDArray[Any] = X / np.where(lengths == 0, 1, lengths).astype(X.dtype)
    return scaled
