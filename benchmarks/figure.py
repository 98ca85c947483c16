"""Plot the speeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.weights import LABEL

BAR, COLOUR, BOUND = 0.68, "#9cc3dd", "#c0392b"


def draw(found: Mapping[str, Any], path: Path) -> Path:
    """Plot seconds of audio per second, with a bar for each network and engine, and its bound."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = [row for row in found["networks"] if "skipped" not in row]
    figure, axes = plt.subplots(figsize=(8, 1.6 + 0.36 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        speed, bound = row["rate"], row["audio_s"] / row["bound_s"]
        axes.barh(y, speed, BAR, color=COLOUR)
        mark = None if y else "the cores' time for the parts alone"
        axes.plot([bound] * 2, [y - BAR / 2, y + BAR / 2], color=BOUND, lw=2, label=mark)
        place: dict[str, Any] = {
            "xycoords": ("axes fraction", "data"),
            "textcoords": "offset points",
        }
        text = f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
        axes.annotate(text, (0, y), xytext=(5, 0), va="center", fontsize=8, **place)
    names = [f"{row['network']}{'*' * (row['weights'] == LABEL)} {row['engine']}" for row in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    if rows:  # room for a number in the shortest bar
        axes.set_xlim(left=min(row["rate"] for row in rows) / 4)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("seconds of audio per second, end to end (* random weights)")
    machine = found["machine"]
    title = f"{machine['cpu']}, {machine['cores']} cores: {found['audio']['name']}"
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if rows:
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
