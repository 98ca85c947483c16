"""Where things lie in the figures of a page: numbers in, coordinates out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audiotl_cli.evaluation.binary import AtThreshold, Binary
from audiotl_cli.evaluation.calibration import Calibration
from audiotl_cli.evaluation.learning_curve import CurvePoint, LearningCurve

N_DOTS = 3000
"""Clips in an embedding map, at most; of more, every second, third ... is drawn."""


@dataclass(frozen=True)
class Frame:
    """A rectangle in a drawing, and the values at its edges.

    Parameters
    ----------
    left, top, right, bottom : float
        In the units of the drawing.
    x, y : tuple of float
        Values at left and right, at bottom and top.
    """

    left: float
    top: float
    right: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies, in tenths."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            round(self.left + across * (self.right - self.left), 1),
            round(self.bottom - up * (self.bottom - self.top), 1),
        )

    def ticks(self) -> dict[str, list[tuple[float, str]]]:
        """Return where the ticks of both axes lie, and what they say."""
        across = [(self.at(value, self.y[0])[0], f"{value:g}") for value in steps(*self.x)]
        up = [(self.at(self.x[0], value)[1], f"{value:g}") for value in steps(*self.y)]
        return {"x": across, "y": up}


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Return at most so many round numbers between two others."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [round(number * step, 10) for number in range(first, last + 1)]


def reliability(calibration: Calibration) -> dict[str, Any]:
    """Return the dots of a reliability plot; their areas grow with the clips."""
    frame = Frame(44, 10, 350, 276, (0.0, 1.0), (0.0, 1.0))
    bins = [some for some in calibration.bins if some.n_clips]
    most = max((some.n_clips for some in bins), default=1)
    dots = []
    for some in bins:
        x, y = frame.at(some.confidence, some.accuracy)
        ideal = frame.at(some.confidence, some.confidence)[1]
        radius = round(3 + 9 * math.sqrt(some.n_clips / most), 1)
        dots.append({"x": x, "y": y, "ideal": ideal, "r": radius, **asdict(some)})
    return {"frame": frame, "ticks": frame.ticks(), "dots": dots}


def learning_curve(curve: LearningCurve) -> dict[str, Any]:
    """Return the line, its interval, and what twice as many clips may give."""
    every = [*curve.points, curve.twice]
    low = min(min(point.interval[0], point.accuracy) for point in every)
    floor = max(0.0, math.floor(low * 10 - 1e-9) / 10)
    most = max(point.n_clips for point in every)
    frame = Frame(44, 10, 520, 276, (0.0, most * 1.04), (min(floor, 0.9), 1.0))

    def place(point: CurvePoint) -> dict[str, Any]:
        x, y = frame.at(point.n_clips, point.accuracy)
        low, high = (frame.at(point.n_clips, value)[1] for value in point.interval)
        return {"x": x, "y": y, "low": low, "high": high, **asdict(point)}

    placed = [place(point) for point in curve.points]
    outline = [(dot["x"], dot["high"]) for dot in placed]
    outline += [(dot["x"], dot["low"]) for dot in reversed(placed)]
    return {
        "frame": frame,
        "ticks": frame.ticks(),
        "dots": placed,
        "line": " ".join(f"{dot['x']},{dot['y']}" for dot in placed),
        "band": " ".join(f"{x},{y}" for x, y in outline),
        "twice": place(curve.twice),
    }


def binary_curves(found: Binary) -> dict[str, dict[str, Any]]:
    """Return the ROC curve and the precision-recall curve, and where the best threshold lies."""
    frame = Frame(44, 10, 350, 276, (0.0, 1.0), (0.0, 1.0))
    best = next(at for at in found.thresholds if at.threshold == found.best_threshold)

    def roc(at: AtThreshold) -> tuple[float, float]:
        return frame.at(1 - at.specificity, at.sensitivity)

    def precision_recall(at: AtThreshold) -> tuple[float, float]:
        return frame.at(at.sensitivity, 1.0 if at.precision is None else at.precision)

    return {
        place.__name__: {
            "frame": frame,
            "ticks": frame.ticks(),
            "line": " ".join(f"{x},{y}" for x, y in map(place, found.curve)),
            "best": place(best),
        }
        for place in (roc, precision_recall)
    }


def step_of_dots(n_clips: int) -> int:
    """Return how far apart the clips are that an embedding map draws; 1 where it draws all."""
    return max(1, math.ceil(n_clips / N_DOTS))


def embedding_map(
    points: Sequence[Sequence[float]], label_of: Callable[[int], int], wrong: Sequence[bool]
) -> dict[str, Any]:
    """Return a dot a clip, at one scale along both axes.

    Parameters
    ----------
    points : sequence of (float, float)
        One a clip.
    label_of : callable
        Takes a clip's position and returns the number of its label, which colours the dot.
    wrong : sequence of bool
        Which clips are predicted wrongly.
    """
    width, height, margin = 640, 440, 12
    finite = [p for p in points if all(math.isfinite(value) for value in p)] or [(0.0, 0.0)]
    lows = [min(p[axis] for p in finite) for axis in (0, 1)]
    highs = [max(p[axis] for p in finite) for axis in (0, 1)]
    spans = [max(high - low, 1e-9) for low, high in zip(lows, highs, strict=True)]
    scale = min((width - 2 * margin) / spans[0], (height - 2 * margin) / spans[1])
    every = step_of_dots(len(points))
    dots = []
    for clip in range(0, len(points), every):
        x, y = points[clip]
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        dots.append(
            {
                "clip": clip,
                "x": round(width / 2 + (x - lows[0] - spans[0] / 2) * scale, 1),
                "y": round(height / 2 - (y - lows[1] - spans[1] / 2) * scale, 1),
                "label": label_of(clip),
                "wrong": bool(wrong[clip]),
            }
        )
    return {"dots": dots, "every": every, "width": width, "height": height}


def hues(n: int) -> list[int]:
    """Return so many hues, in degrees, neighbours far apart."""
    return [round(25 + i * 137.508) % 360 for i in range(n)]
