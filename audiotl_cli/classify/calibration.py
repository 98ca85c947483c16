"""Turn scores into probabilities that keep what they promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import UsageError

FloatArray = npt.NDArray[np.float64]

SMALLEST = 1e-6  # a score of zero has no logarithm


@dataclass(frozen=True)
class Calibrator:
    """A fitted way from scores to probabilities; plain numbers, so that a card can show it.

    Parameters
    ----------
    method : str
        ``temperature``, ``sigmoid`` or ``isotonic``.
    n_clips : int
        It was fitted on.
    temperature : float
        What logarithms of scores are divided by (Guo et al., 2017).
    slopes, offsets : list of float
        One a label: a logistic curve of the score's log-odds (Platt, 1999).
    steps : list of (list of float, list of float)
        One a label: scores and the probabilities there, lines between (Zadrozny and Elkan,
        2002).
    """

    method: str
    n_clips: int
    temperature: float = 1.0
    slopes: list[float] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    steps: list[tuple[list[float], list[float]]] = field(default_factory=list)

    def apply(self, scores: FloatArray) -> FloatArray:
        """Return probabilities (n_clips, n_labels) for scores; rows add up to 1."""
        if self.method == "temperature":
            return _soften(scores, self.temperature)
        if self.method == "sigmoid":
            told = 1 / (1 + np.exp(-(_log_odds(scores) * self.slopes + self.offsets)))
        else:
            columns = [
                np.interp(one, *step) for one, step in zip(scores.T, self.steps, strict=True)
            ]
            told = np.stack(columns, axis=1)
        total = told.sum(axis=1, keepdims=True)
        # where no label is likely, the scores are all there is
        probabilities: FloatArray = np.where(
            total > 0, told / np.where(total > 0, total, 1), scores
        )
        return probabilities


def fit_calibrator(method: str, scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    """Learn the way from scores to probabilities.

    Parameters
    ----------
    method : str
    scores : float64 (n_clips, n_labels)
        Rows add up to 1; by models that were not fitted on these clips.
    truth : int (n_clips,)
        Which label is right.

    Raises
    ------
    UsageError
        There is no such method.
    """
    if method not in METHODS:
        raise UsageError(f"--calibrate is {method!r}, expected one of {', '.join(METHODS)}")
    return METHODS[method](scores, truth)


def _fit_temperature(scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        told = _soften(scores, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(told[np.arange(len(truth)), truth], 1e-300)).mean())

    found = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded")
    return Calibrator("temperature", len(truth), temperature=float(np.exp(found.x)))


def _fit_sigmoid(scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    from sklearn.linear_model import LogisticRegression

    odds = _log_odds(scores)
    slopes, offsets = [], []
    for label in range(scores.shape[1]):
        is_true = truth == label
        n_true, n_false = int(is_true.sum()), int((~is_true).sum())
        # targets short of 0 and 1, as if one more clip of each kind had been seen (Platt, 1999)
        target = np.where(is_true, (n_true + 1) / (n_true + 2), 1 / (n_false + 2))
        curve = LogisticRegression(C=1e4).fit(
            np.tile(odds[:, label], 2)[:, None],
            np.repeat([1, 0], len(truth)),
            sample_weight=np.concatenate([target, 1 - target]),
        )
        slopes.append(max(0.0, float(curve.coef_[0, 0])))
        offsets.append(float(curve.intercept_[0]))
    return Calibrator("sigmoid", len(truth), slopes=slopes, offsets=offsets)


def _fit_isotonic(scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    from sklearn.isotonic import IsotonicRegression

    steps = []
    for label in range(scores.shape[1]):
        curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        curve.fit(scores[:, label], (truth == label).astype(float))
        steps.append((curve.X_thresholds_.tolist(), curve.y_thresholds_.tolist()))
    return Calibrator("isotonic", len(truth), steps=steps)


METHODS: dict[str, Callable[[FloatArray, npt.NDArray[np.int64]], Calibrator]] = {
    "temperature": _fit_temperature,
    "sigmoid": _fit_sigmoid,
    "isotonic": _fit_isotonic,
}


def _soften(scores: FloatArray, temperature: float) -> FloatArray:
    heights = np.log(np.maximum(scores, SMALLEST)) / temperature
    powers = np.exp(heights - heights.max(axis=1, keepdims=True))
    softened: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return softened


def _log_odds(scores: FloatArray) -> FloatArray:
    inside = np.clip(scores, SMALLEST, 1 - SMALLEST)
    odds: FloatArray = np.log(inside / (1 - inside))
    return odds
