"""Figures of an evaluation, as PNG files."""

from __future__ import annotations

import io
from pathlib import Path

from audiotl_cli.evaluation.metrics import Scores
from audiotl_cli.files import write_whole


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
    axes.set_xticks(range(n), scores.labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), scores.labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(title, loc="left", fontsize=10)
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
    figure.savefig(picture, format="png", metadata={"Software": None})
    write_whole(path, picture.getvalue())
