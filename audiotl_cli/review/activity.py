"""The figure of activity: detections in an hour recorded, by hour and day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from audiotl_cli.evaluation.report.figures import default_settings, png_bytes, shown_name
from audiotl_cli.review.counts import Tally

MOST_LABELS = 8
"""Labels that are drawn, at most: those with the most detections."""
MOST_DAYS = 400
"""Days between the first and the last, at most, for days without recordings to be drawn."""


def days_drawn(tally: Tally) -> list[date]:
    """Return the days of the figure, also those without recordings unless they are too many."""
    days = sorted({cell.day for cell in tally.effort if cell.day is not None})
    if not days or (days[-1] - days[0]).days >= MOST_DAYS:
        return days
    return [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]


def activity(tally: Tally, label: str, days: list[date]) -> npt.NDArray[np.float64]:
    """Return detections of a label in an hour recorded, (24, n_days), over all sites.

    Where the length of a recording is not known, it is the number of detections; where nothing was
    recorded, it is ``nan``.
    """
    place = {day: n for n, day in enumerate(days)}
    found = np.zeros((24, len(days)))
    hours = np.zeros((24, len(days)))
    for cell, seconds in tally.effort.items():
        if cell.day is not None:
            hours[cell.hour, place[cell.day]] += seconds / 3600
    for cell, n in tally.cells(label).items():
        if cell.day is not None:
            found[cell.hour, place[cell.day]] += n
    is_unknown = np.isnan(hours)
    rates = np.full_like(found, np.nan)
    np.divide(found, hours, out=rates, where=hours > 0)
    rates[is_unknown] = found[is_unknown]
    return rates


@default_settings()
def draw_activity(tally: Tally, zone: str) -> bytes | None:
    """Draw the activity of the labels with the most detections; None without times.

    Parameters
    ----------
    tally : Tally
    zone : str
        Of the hours, in words.

    Returns
    -------
    png : bytes or None
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    days = days_drawn(tally)
    totals: Counter[str] = Counter(dict.fromkeys(tally.labels, 0))
    for label in tally.labels:
        totals[label] = sum(tally.cells(label).values())
    labels = [label for label, _ in totals.most_common(MOST_LABELS)]
    if not days or not labels:
        return None
    width = 3.0 + min(12.0, max(3.0, 0.28 * len(days)))
    figure = Figure(figsize=(width, 0.6 + 2.6 * len(labels)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    across, down = np.arange(len(days) + 1), np.arange(25)
    panels = figure.subplots(len(labels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, label in zip(panels, labels, strict=True):
        rates = activity(tally, label, days)
        most = float(np.nanmax(rates)) if np.isfinite(rates).any() else 0.0
        axes.set_facecolor("#dddddd")
        shades = axes.pcolormesh(across, down, rates, cmap="viridis", vmin=0, vmax=most or 1)
        axes.set_ylim(24, 0)
        axes.set_yticks([0, 6, 12, 18, 24])
        axes.set_ylabel("hour")
        axes.set_title(f"{shown_name(label)}: {totals[label]} detections", loc="left", fontsize=10)
        axes.spines[:].set_visible(False)
        figure.colorbar(shades, ax=axes, label="per hour recorded").outline.set_visible(False)
    step = -(-len(days) // 12)
    shown = range(0, len(days), step)
    names = [days[n].isoformat() for n in shown]
    panels[-1].set_xticks([n + 0.5 for n in shown], names, rotation=45, ha="right")
    panels[-1].set_xlabel(f"day (times: {zone}); grey: nothing recorded")
    return png_bytes(figure)
