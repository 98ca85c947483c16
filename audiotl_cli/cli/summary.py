"""``audiotl summary``."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.show_left_out import show_left_out
from audiotl_cli.cli.spread import spread

if TYPE_CHECKING:
    from audiotl_cli.review.counts import Count
    from audiotl_cli.review.summary import Summary

EXAMPLES = (
    "Examples:  audiotl summary events.csv --recordings nights   |   "
    "audiotl summary events.csv --recordings nights --zone Europe/Berlin --report summary"
)
CARRIED = ("recordings", "verdicts", "min_score", "site_regex", "zone", "recorder_zone")
MOST_ROWS = 12
"""Labels in each table, at most: those with the most detections."""


@spread
def summary(
    context: typer.Context,
    predictions: Annotated[
        list[Path],
        typer.Argument(
            parser=options.path,
            metavar="FILE",
            help="Detections: what audiotl predict --segments wrote (any format), or annotations.",
        ),
    ],
    recordings: Annotated[
        list[str] | None,
        typer.Option(
            "--recordings",
            parser=options.address,
            metavar="FILE|FOLDER",
            help="All recordings that were searched, for the hours recorded; repeatable.  "
            "[default: those with detections]",
        ),
        settings.INSIDE,
    ] = None,
    verdicts: Annotated[
        list[Path] | None,
        typer.Option(
            parser=options.path,
            help="Table of verdicts, to estimate how many detections are right; repeatable.  "
            "[default: the one that audiotl review wrote beside FILE]",
        ),
        settings.INSIDE,
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(help="Leave out detections with a lower score."),
        settings.FREE,
    ] = None,
    site_regex: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Searched in each path; its first group is the site.  [default: what precedes "
            "the time in file names, else folders, else the serial number of the recorder]",
        ),
        settings.FREE,
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Time zone to count hours and days in: UTC, +02:00 or Europe/Berlin.  "
            "[default: the clock of each recorder]",
        ),
        settings.FREE,
    ] = None,
    recorder_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Time zone of names that state none; UTC for most AudioMoths.  [default: --zone]",
        ),
        settings.FREE,
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(parser=options.path, help="Folder to write tables, a figure and a page to."),
        settings.TYPED,
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Count detections by label, hour, day, night and site."""
    from audiotl_cli.review.summary_options import SummaryOptions
    from audiotl_cli.review.summary_report import PAGE
    from audiotl_cli.storage.paths import any_path
    from audiotl_cli.workflows.summary import summarise

    chosen = SummaryOptions(
        predictions,
        [any_path(text) for text in recordings or []],
        verdicts or [],
        min_score,
        site_regex,
        zone,
        recorder_zone,
        report,
        overwrite,
    )
    with output.progress("Reading headers", "recordings") as update:
        found = summarise(chosen, lambda done, total: update(done, total, 0.0))
    output.result(found.to_dict(), lambda: _show(found))
    if report is not None:
        output.note(f"Report {report / PAGE}")
    else:
        files = "".join(f" {shlex.quote(str(path))}" for path in predictions)
        carried = options.carry(context, *CARRIED)
        output.next_command(f"audiotl summary{files}{carried} --report summary")


def _show(found: Summary) -> None:
    tally = found.tally
    hours = (
        "an unknown number of"
        if math.isnan(found.hours)
        else _number(found.hours, 1 if found.hours >= 10 else 2)
    )
    output.line(
        f"{found.n_detections} detections in {hours} hours of {len(found.recordings)} recordings",
        style="bold",
    )
    _show_table(found, tally.by("label"), "")
    for name in ("site", "night"):
        counts = tally.by(name)
        if len({count.group for count in counts}) > 1:
            _show_table(found, counts, name)
    sources = ", ".join(
        f"{source or 'unknown'} ({n})" for source, n in found.times_from.most_common()
    )
    output.line(f"Times: {found.zone}; from {sources}. Nights are from noon to noon.")
    by = f"{len(found.sites)}, by {found.sites_from}" if found.sites_from else "one"
    output.line(f"Sites: {by}")
    show_left_out(found.left_out, output.line)
    output.warnings(found.warnings)


def _show_table(found: Summary, counts: Sequence[Count], name: str) -> None:
    shown = [count for count in counts if count.n]
    shown = sorted(shown, key=lambda count: -count.n)[:MOST_ROWS]
    kept = [count for count in counts if count in shown]
    judged = ("judged right", "estimated right") if found.n_verdicts else ()
    numbers = ("detections", "hours", "per hour", *judged)
    grid = output.table(*filter(None, (name, "label")), *numbers, numbers=numbers)
    for count in kept:
        unnamed = "(no site)" if count.group == "" else "unknown"
        first = [output.clean(count.group or unnamed)] if name else []
        grid.add_row(*first, output.clean(count.label), *_cells(count, bool(judged)))
    output.show(grid)
    n_more = sum(count.n > 0 for count in counts) - len(kept)
    if n_more:
        output.line(f"  ... and {n_more} more rows, with fewer detections")


def _cells(count: Count, judged: bool) -> list[str]:
    cells = [
        str(count.n),
        _number(count.hours, 1 if count.hours >= 10 else 2),
        _number(count.per_hour, 2),
    ]
    if judged:
        some = count.estimate
        cells += [
            f"{count.n_right} of {count.n_right + count.n_wrong}",
            "-" if some is None else f"{some.n:.0f} ({some.low:.0f} to {some.high:.0f})",
        ]
    return cells


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
