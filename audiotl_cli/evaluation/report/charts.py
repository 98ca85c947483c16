"""Where things lie in the figures of a page: numbers in, coordinates out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

N_DOTS = 3000
"""Clips in an embedding map, at most; of more, every so manieth is drawn."""


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


def reliability(calibration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dots of a reliability plot; their areas grow with the clips."""
    frame = Frame(44, 10, 350, 276, (0.0, 1.0), (0.0, 1.0))
    bins = [one for one in calibration["bins"] if one["n_clips"]]
    most = max((one["n_clips"] for one in bins), default=1)
    dots = []
    for one in bins:
        x, y = frame.at(one["confidence"], one["accuracy"])
        ideal = frame.at(one["confidence"], one["confidence"])[1]
        radius = round(3 + 9 * math.sqrt(one["n_clips"] / most), 1)
        dots.append({"x": x, "y": y, "ideal": ideal, "r": radius, **one})
    return {"frame": frame, "ticks": frame.ticks(), "dots": dots}


def learning_curve(curve: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line, its interval, and what twice as many clips may give."""
    points = sorted(curve["points"], key=lambda one: one["n_clips"])
    twice = curve.get("twice")
    every = [*points, *([twice] if twice else [])]
    low = min(min(one["interval"][0], one["accuracy"]) for one in every)
    floor = max(0.0, math.floor(low * 10 - 1e-9) / 10)
    most = max(one["n_clips"] for one in every)
    frame = Frame(44, 10, 520, 276, (0.0, most * 1.04), (min(floor, 0.9), 1.0))

    def place(one: Mapping[str, Any]) -> dict[str, Any]:
        x, y = frame.at(one["n_clips"], one["accuracy"])
        lows, highs = (frame.at(one["n_clips"], value)[1] for value in one["interval"])
        return {"x": x, "y": y, "low": lows, "high": highs, **one}

    placed = [place(one) for one in points]
    outline = [(one["x"], one["high"]) for one in placed]
    outline += [(one["x"], one["low"]) for one in reversed(placed)]
    return {
        "frame": frame,
        "ticks": frame.ticks(),
        "dots": placed,
        "line": " ".join(f"{one['x']},{one['y']}" for one in placed),
        "band": " ".join(f"{x},{y}" for x, y in outline),
        "twice": place(twice) if twice else None,
    }


def embedding_map(
    points: Sequence[Sequence[float]], labels: Sequence[str], predictions: Sequence[Any]
) -> dict[str, Any]:
    """Return a dot a clip, at one scale along both axes."""
    width, height, margin = 640, 440, 12
    finite = [p for p in points if all(math.isfinite(value) for value in p)] or [(0.0, 0.0)]
    lows = [min(p[axis] for p in finite) for axis in (0, 1)]
    highs = [max(p[axis] for p in finite) for axis in (0, 1)]
    spans = [max(high - low, 1e-9) for low, high in zip(lows, highs, strict=True)]
    scale = min((width - 2 * margin) / spans[0], (height - 2 * margin) / spans[1])
    every = math.ceil(len(points) / N_DOTS)
    number = {label: i for i, label in enumerate(labels)}
    dots = []
    for clip in range(0, len(points), max(every, 1)):
        x, y = points[clip]
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        one = predictions[clip]
        dots.append(
            {
                "clip": clip,
                "x": round(width / 2 + (x - lows[0] - spans[0] / 2) * scale, 1),
                "y": round(height / 2 - (y - lows[1] - spans[1] / 2) * scale, 1),
                "label": number.get(one["label"], 0),
                "wrong": one["label"] != one["predicted"],
            }
        )
    return {"dots": dots, "every": every, "width": width, "height": height}


def hues(n: int) -> list[int]:
    """Return so many hues, in degrees, neighbours far apart."""
    return [round(25 + i * 137.508) % 360 for i in range(n)]
