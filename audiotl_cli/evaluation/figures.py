"""Figures of an evaluation, as PNG files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.literal import literal
from audiotl_cli.evaluation.metrics import Scores
from audiotl_cli.written import write_output

LONGEST_NAME = 40  # characters of a label


def draw_confusion(scores: Scores, title: str, path: Path) -> None:
    """Draw a confusion matrix: share of each true label by colour, clips as numbers."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    n = len(scores.labels)
    side = min(3.0 + 0.45 * n, 24.0)
    figure = Figure(figsize=(side + 1.0, side), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shares = scores.confusion / scores.confusion.sum(axis=1, keepdims=True).clip(min=1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_name(label) for label in scores.labels]
    axes.set_xticks(range(n), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title("\n".join(map(_literal, title.splitlines())), loc="left", fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if n <= 40:
        for row in range(n):
            for column in range(n):
                if count := scores.confusion[row, column]:
                    colour = "white" if shares[row, column] > 0.5 else "#333333"
                    axes.text(column, row, str(count), ha="center", va="center", color=colour)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, label="share of the true label")
    bar.outline.set_visible(False)
    _save(figure, path)


def draw_calibration(calibration: Mapping[str, Any], path: Path) -> None:
    """Draw how often clips are right over how sure the model was of them."""
    figure, axes = _axes("score of the predicted label", "share that is right")
    bins = [one for one in calibration["bins"] if one["n_clips"]]
    axes.plot([0, 1], [0, 1], color="#777777", linestyle="--", linewidth=1)
    axes.plot([one["confidence"] for one in bins], [one["accuracy"] for one in bins], "o-")
    for one in bins:
        at = (one["confidence"], one["accuracy"])
        axes.annotate(str(one["n_clips"]), at, (6, -10), textcoords="offset points", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_title("Reliability; numbers are clips", loc="left", fontsize=10)
    _save(figure, path)


def draw_learning_curve(curve: Mapping[str, Any], path: Path) -> None:
    """Draw accuracy over the number of clips trained on, with its interval."""
    figure, axes = _axes("clips trained on", "accuracy")
    points = curve["points"]
    counts = [one["n_clips"] for one in points]
    lows, highs = zip(*(one["interval"] for one in points), strict=True)
    axes.fill_between(counts, lows, highs, alpha=0.2)
    axes.plot(counts, [one["accuracy"] for one in points], "o-")
    if twice := curve.get("twice"):
        low, high = twice["interval"]
        axes.plot(
            [counts[-1], twice["n_clips"]], [points[-1]["accuracy"], twice["accuracy"]], "C0--"
        )
        axes.plot([twice["n_clips"]] * 2, [low, high], "C0", alpha=0.5)
    axes.set_title("Learning curve; dashed: extrapolated", loc="left", fontsize=10)
    _save(figure, path)


def _axes(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    picture = io.BytesIO()
    # no date or version inside: the same evaluation gives the same bytes
    with warnings.catch_warnings():
        # what the font has no sign for is drawn as a box; report.json has the names
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(picture, format="png", metadata={"Software": None})
    write_output(path, picture.getvalue())


def _name(label: str) -> str:
    return _literal(label if len(label) <= LONGEST_NAME else f"{label[: LONGEST_NAME - 1]}…")


def _literal(text: str) -> str:
    """Return a line that is drawn as it is: no formula, either."""
    return literal(text).replace("$", r"\$")
