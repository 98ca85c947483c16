"""Figures of an evaluation, as PNG files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.evaluation.calibration import Calibration
from audiotl_cli.evaluation.learning_curve import LearningCurve
from audiotl_cli.evaluation.outcomes import IntArray
from audiotl_cli.evaluation.scores import Scores
from audiotl_cli.text import printable, without_middle
from audiotl_cli.written import write_output

LONGEST_NAME = 40  # characters of a label
MOST_DRAWN = 40
"""Labels of a confusion matrix that are drawn, at most: of more, those most often confused."""


@contextmanager
def default_settings() -> Iterator[None]:
    """Draw as matplotlib does without settings: it would obey a ``matplotlibrc`` found here."""
    import matplotlib

    # rc_context would not set the backend back, and these figures use none
    defaults = {name: matplotlib.rcParamsDefault[name] for name in matplotlib.rcParamsDefault}
    defaults.pop("backend")
    with matplotlib.rc_context(defaults):
        yield


@default_settings()
def draw_confusion(scores: Scores, title: str, path: Path) -> None:
    """Draw a confusion matrix: share of each true label by colour, clips as numbers."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = scores.most_confused(MOST_DRAWN)
    counts = scores.confusion[shown][:, shown]
    shares = counts / scores.confusion[shown].sum(axis=1, keepdims=True).clip(min=1)
    names = [shown_name(scores.labels[i]) for i in shown]
    side = 3.0 + 0.45 * len(shown)
    figure = Figure(figsize=(side + 1.0, side), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = np.arange(len(shown) + 1) - 0.5
    # not imshow, which takes 200 MB to enlarge a picture
    shades = axes.pcolormesh(places, places, shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(aspect="equal", ylim=(places[-1], places[0]))
    axes.set_xticks(range(len(shown)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(shown)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("labelled")
    if len(shown) < len(scores.labels):
        title += f"\n{len(shown)} of {len(scores.labels)} labels: those most often confused"
    axes.set_title("\n".join(map(plain_line, title.splitlines())), loc="left", fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    _write_counts(axes, counts, shares)
    bar = figure.colorbar(shades, ax=axes, shrink=0.7, label="share of the label's clips")
    bar.outline.set_visible(False)
    save_figure(figure, path)


@default_settings()
def draw_calibration(calibration: Calibration, path: Path) -> None:
    """Draw accuracy over the score of the predicted label."""
    figure, axes = _axes("score of the predicted label", "accuracy")
    bins = [some for some in calibration.bins if some.n_clips]
    axes.plot([0, 1], [0, 1], color="#777777", linestyle="--", linewidth=1)
    axes.plot([some.confidence for some in bins], [some.accuracy for some in bins], "o-")
    for some in bins:
        at = (some.confidence, some.accuracy)
        axes.annotate(str(some.n_clips), at, (6, -10), textcoords="offset points", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_title("Reliability; numbers are clips", loc="left", fontsize=10)
    save_figure(figure, path)


@default_settings()
def draw_learning_curve(curve: LearningCurve, path: Path) -> None:
    """Draw accuracy over the number of clips trained on, with its interval."""
    figure, axes = _axes("clips trained on", "accuracy")
    counts = [point.n_clips for point in curve.points]
    accuracies = [point.accuracy for point in curve.points]
    lows, highs = zip(*(point.interval for point in curve.points), strict=True)
    axes.fill_between(counts, lows, highs, alpha=0.2)
    axes.plot(counts, accuracies, "o-")
    twice = curve.twice
    axes.plot([counts[-1], twice.n_clips], [accuracies[-1], twice.accuracy], "C0--")
    axes.plot([twice.n_clips] * 2, list(twice.interval), "C0", alpha=0.5)
    axes.set_title("Learning curve; dashed: extrapolated", loc="left", fontsize=10)
    save_figure(figure, path)


def _write_counts(axes: Any, counts: IntArray, shares: Any) -> None:
    for row, column in zip(*counts.nonzero(), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "#333333"
        text = str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour)


def _axes(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as PNG."""
    write_output(path, png_bytes(figure))


def png_bytes(figure: Any) -> bytes:
    """Return a figure as PNG; the same figure gives the same bytes."""
    picture = io.BytesIO()
    # no date or version inside: the same evaluation gives the same bytes
    with warnings.catch_warnings():
        # characters that the font lacks are drawn as boxes; report.json has the names
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def shown_name(label: str) -> str:
    """Return a label as figures show it."""
    return plain_line(without_middle(label, LONGEST_NAME))


def plain_line(text: str) -> str:
    """Return a line that is drawn as it is: no formula, either."""
    return printable(text).replace("$", r"\$")
