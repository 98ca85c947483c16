"""Plot the speeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

BAR = 0.34
FORMS = (("ogg", "#1f5f8b", "white", -BAR / 2), ("wav", "#9cc3dd", "black", BAR / 2))


def draw(found: Mapping[str, Any], path: Path) -> Path:
    """Plot seconds of audio per second, with a pair of bars per extractor and its bound."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = [row for row in found["extractors"] if "skipped" not in row]
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.62 * len(rows)), layout="constrained")
    names = []
    for place, row in enumerate(rows):
        for ending, colour, ink, offset in FORMS:
            speed, y = row[ending]["rate"], place + offset
            bound = row["audio_s"] / row[ending]["bound_s"]
            axes.barh(y, speed, BAR, color=colour, label=ending.upper() if place == 0 else None)
            mark = "bound: sum of the parts" if (place, ending) == (0, "ogg") else None
            axes.plot([bound] * 2, [y - BAR / 2, y + BAR / 2], color="#c0392b", lw=2, label=mark)
            text = f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
            axes.annotate(
                text,
                (0, y),
                xycoords=("axes fraction", "data"),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=ink,
                fontsize=8,
            )
        engine = f"\n{row['engine']}" if row["engine"] else ""
        names.append(row["name"] + "*" * (row["weights"] == "random") + engine)
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    slowest = min(row[ending]["rate"] for row in rows for ending, *_ in FORMS)
    axes.set_xlim(left=slowest / 4)  # room for a number in the shortest bar
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("seconds of audio per second, end to end (logarithmic)")
    machine = found["machine"]
    axes.set_title(
        f"{machine['cpu']}, {machine['cores']} cores: {found['audio']['name']}",
        fontsize=10,
        loc="left",
    )
    if any(row["weights"] == "random" for row in rows):
        axes.annotate(
            "* random weights, speed only",
            (1, 0),
            xycoords="figure fraction",
            xytext=(-6, 6),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color="#555555",
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path
