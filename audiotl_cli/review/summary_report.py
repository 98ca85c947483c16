"""Write a summary of detections: tables, a figure of activity, and a page."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.report.page import environment, file_text
from audiotl_cli.review.activity import MOST_LABELS, draw_activity
from audiotl_cli.review.counts import Count
from audiotl_cli.review.summary import TABLES, Summary, tables
from audiotl_cli.written import WrittenFiles, claim, write_output

logger = logging.getLogger(__name__)

PAGE, FIGURE = "summary.html", "activity.png"
MOST_ROWS = 300
"""Rows of a table in the page, at most; the tables beside it have all."""

SECTIONS = {"site": "Sites", "hour": "Hours of the day", "night": "Nights", "day": "Days"}


def claim_summary(folder: Path, *, overwrite: bool) -> None:
    """Make sure that a summary may be written, before any work is done for it.

    Raises
    ------
    UsageError
        A file of a summary is there that somebody made or edited, unless `overwrite`.
    """
    claim([folder / name for name in (PAGE, FIGURE, *TABLES)], overwrite=overwrite)


def write_summary(summary: Summary, folder: Path) -> None:
    """Write the tables, the figure and the page; those of an earlier summary are deleted.

    Parameters
    ----------
    summary : Summary
    folder : Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = WrittenFiles()
    for name in (PAGE, FIGURE):
        written.remove(folder / name)
    for name, text in tables(summary):
        write_output(folder / name, text.encode("utf-8", "surrogateescape"))
    picture = draw_activity(summary.tally, summary.zone)
    if picture is not None:
        write_output(folder / FIGURE, picture)
    page = render(summary, picture)
    write_output(folder / PAGE, page.encode("utf-8", "backslashreplace"))


def render(summary: Summary, picture: bytes | None) -> str:
    """Return the page of a summary: one HTML file that needs no other file and no network."""
    tally = summary.tally
    counts = {name: tally.by(name) for name in SECTIONS}
    shown = {name: some for name, some in counts.items() if len({one.group for one in some}) > 1}
    template = files(__package__).joinpath("summary.html").read_text("utf-8")
    page: str = environment().from_string(template).render(
        summary=summary,
        style=file_text("page.css").strip(),
        labels=tally.by("label"),
        sections={name: title for name, title in SECTIONS.items() if name in shown},
        counts={name: _rows(some) for name, some in shown.items()},
        n_rows={name: len(_heard(some)) for name, some in shown.items()},
        picture=None if picture is None else base64.b64encode(picture).decode(),
        most_labels=MOST_LABELS,
        tables=TABLES,
    )  # fmt: skip
    return page


def _heard(counts: Sequence[Count]) -> list[Count]:
    return [count for count in counts if count.n]


def _rows(counts: Sequence[Count]) -> list[Any]:
    """Return the rows that a page shows, those with detections."""
    return _heard(counts)[:MOST_ROWS]
