"""Turn scores into calibrated probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.checks import (
    DamagedError,
    expect_names,
    floats,
    integers,
    number,
    whole,
)
from audiotl_cli.classifiers.parts import Array, Part, State
from audiotl_cli.classifiers.scoring import ONE, add_logistic
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph
from audiotl_cli.spelling import did_you_mean

FloatArray = npt.NDArray[np.float64]

_ARRAYS = {
    "sigmoid": ("slopes", "offsets"),
    "isotonic": ("scores", "probabilities", "n_steps"),
}
MOST_STEPS = 2_000_000  # of all isotonic curves together
SMALLEST = 1e-6  # a score of zero has no logarithm


@dataclass(frozen=True)
class Calibrator:
    """A fitted map from scores to probabilities, as plain numbers that a card can show.

    Parameters
    ----------
    method : str
        ``temperature``, ``sigmoid`` or ``isotonic``.
    n_clips : int
        Number of clips it was fitted on.
    temperature : float
        Divisor of the logarithms of scores (Guo et al., 2017).
    slopes, offsets : list of float
        Per label, a logistic curve of the score's log-odds (Platt, 1999).
    steps : list of (list of float, list of float)
        Per label, scores and their probabilities, interpolated linearly (Zadrozny and Elkan,
        2002).
    """

    method: str
    n_clips: int
    temperature: float = 1.0
    slopes: list[float] = field(default_factory=list)
    offsets: list[float] = field(default_factory=list)
    steps: list[tuple[list[float], list[float]]] = field(default_factory=list)

    def to_part(self) -> Part:
        """Return the part to save."""
        arrays: dict[str, Array] = {}
        if self.method == "sigmoid":
            arrays = {"slopes": np.array(self.slopes), "offsets": np.array(self.offsets)}
        elif self.method == "isotonic":
            scores, probabilities = zip(*self.steps, strict=True)
            arrays = {
                "scores": np.concatenate(scores),
                "probabilities": np.concatenate(probabilities),
                "n_steps": np.array([len(values) for values in scores], np.int64),
            }
        params = {"n_clips": self.n_clips, "temperature": self.temperature}
        return Part(self.method, State(arrays, params))

    @classmethod
    def from_part(cls, part: Part, n_labels: int) -> Self:
        """Return the saved calibrator; raise `DamagedError` if it is invalid."""
        state = part.state
        expect_names(state, _ARRAYS.get(part.kind, ()), ["n_clips", "temperature"])
        n_clips = whole(state, "n_clips", 1, 2**40)
        temperature = number(state, "temperature", low=1e-6, high=1e6)
        if part.kind == "temperature":
            return cls("temperature", n_clips, temperature)
        if part.kind == "sigmoid":
            slopes, offsets = (floats(state, name, n_labels) for name in ("slopes", "offsets"))
            return cls("sigmoid", n_clips, 1.0, slopes.tolist(), offsets.tolist())
        if part.kind != "isotonic":
            raise DamagedError(f"it has the calibration {ascii(part.kind)[:40]}")
        n = len(floats(state, "scores", None))
        if n > MOST_STEPS:
            raise DamagedError(f"it has {n} steps, expected at most {MOST_STEPS}")
        floats(state, "probabilities", n)
        ends = np.cumsum(integers(state, "n_steps", n_labels, low=1, high=n))
        if ends[-1] != n:
            raise DamagedError(f"n_steps do not add up to {n}")
        known = (np.split(state.arrays[name], ends[:-1]) for name in ("scores", "probabilities"))
        steps = [(values.tolist(), other.tolist()) for values, other in zip(*known, strict=True)]
        if any(np.diff(values).min(initial=0) < 0 for values, _ in steps):
            raise DamagedError("its scores are not in ascending order")
        return cls("isotonic", n_clips, steps=steps)

    def apply(self, scores: FloatArray) -> FloatArray:
        """Return probabilities (n_clips, n_labels) for scores; rows add up to 1."""
        if self.method == "temperature":
            return _soften(scores, self.temperature)
        if self.method == "sigmoid":
            likely = 1 / (1 + np.exp(-(_log_odds(scores) * self.slopes + self.offsets)))
        else:
            columns = [
                np.interp(values, *step) for values, step in zip(scores.T, self.steps, strict=True)
            ]
            likely = np.stack(columns, axis=1)
        total = likely.sum(axis=1, keepdims=True)
        # where no label is likely, keep the scores
        probabilities: FloatArray = np.where(
            total > 0, likely / np.where(total > 0, total, 1), scores
        )
        return probabilities

    def add_to(self, graph: Graph, scores: str) -> str:
        """Add the ONNX nodes of `apply`; scores are float64 (1, n_labels)."""
        if self.method == "temperature":
            heights = graph.add("Log", graph.add("Max", scores, np.float64(SMALLEST)))
            cooled = graph.add("Div", heights, np.float64(self.temperature))
            return graph.add("Softmax", cooled, axis=1)
        if self.method == "sigmoid":
            inside = graph.add("Clip", scores, np.float64(SMALLEST), np.float64(1 - SMALLEST))
            odds = graph.add("Log", graph.add("Div", inside, graph.add("Sub", ONE, inside)))
            slanted = graph.add("Mul", odds, np.array([self.slopes]))
            likely = add_logistic(graph, graph.add("Add", slanted, np.array([self.offsets])))
        else:
            columns = [
                _add_interpolated(graph, graph.add("Gather", scores, np.array([i]), axis=1), *step)
                for i, step in enumerate(self.steps)
            ]
            likely = graph.add("Concat", *columns, axis=1)
        total = graph.reduce("Sum", likely, 1)
        shares = graph.add("Div", likely, graph.add("Max", total, np.finfo(np.float64).tiny))
        return graph.add("Where", graph.add("Greater", total, np.float64(0)), shares, scores)


def _add_interpolated(
    graph: Graph, x: str, places: Sequence[float], values: Sequence[float]
) -> str:
    """Interpolate linearly between points, constant beyond them; `x` is (1, 1)."""
    at, heights = np.array(places), np.array(values)
    if len(at) == 1:
        return graph.add("Add", graph.add("Mul", x, np.float64(0)), heights)
    widths = np.diff(at)
    slopes = np.diff(heights) / np.where(widths > 0, widths, 1)
    inside = graph.add("Clip", x, at[0], at[-1])
    n_below = graph.reduce("Sum", graph.count(inside, "GreaterOrEqual", at), 1, keep=False)
    place = graph.add("Sub", graph.cast(n_below, np.int64), np.array([1]))
    place = graph.add("Min", place, np.array([len(at) - 2]))
    start, height, slope = (graph.add("Gather", each, place) for each in (at, heights, slopes))
    rise = graph.add("Mul", graph.add("Sub", inside, start), slope)
    return graph.add("Add", rise, height)


def fit_calibrator(method: str, scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    """Fit the map from scores to probabilities.

    Parameters
    ----------
    method : str
    scores : float64 (n_clips, n_labels)
        Rows add up to 1; by models that were not fitted on these clips.
    truth : int (n_clips,)
        Number of the true label.

    Raises
    ------
    UsageError
        There is no such method.
    """
    check_method(method)
    return METHODS[method](scores, truth)


def check_method(method: str) -> None:
    """Raise `UsageError` unless there is such a calibration."""
    if method not in METHODS:
        raise UsageError(
            f"--calibrate is {method!r}, expected one of {', '.join(METHODS)}"
            f"{did_you_mean(method, METHODS)}"
        )


def _fit_temperature(scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        softened = _soften(scores, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(softened[np.arange(len(truth)), truth], 1e-300)).mean())

    found = minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded")
    return Calibrator("temperature", len(truth), temperature=float(np.exp(found.x)))


def _fit_sigmoid(scores: FloatArray, truth: npt.NDArray[np.int64]) -> Calibrator:
    from sklearn.linear_model import LogisticRegression

    odds = _log_odds(scores)
    slopes, offsets = [], []
    for label in range(scores.shape[1]):
        is_true = truth == label
        n_true, n_false = int(is_true.sum()), int((~is_true).sum())
        # targets inside 0 and 1, as if there were one more clip of each kind (Platt, 1999)
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
