"""Figures of an evaluation, as PNG files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from audiotl_cli.evaluation.literal import literal
from audiotl_cli.evaluation.metrics import Scores
from audiotl_cli.files import write_whole

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
    picture = io.BytesIO()
    # no date or version inside: the same evaluation gives the same bytes
    with warnings.catch_warnings():
        # what the font has no sign for is drawn as a box; report.json has the names
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(picture, format="png", metadata={"Software": None})
    write_whole(path, picture.getvalue())


def _name(label: str) -> str:
    return _literal(label if len(label) <= LONGEST_NAME else f"{label[: LONGEST_NAME - 1]}…")


def _literal(text: str) -> str:
    """Return a line that is drawn as it is: no formula, either."""
    return literal(text).replace("$", r"\$")
