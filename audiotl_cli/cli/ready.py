"""Options of ready labels: a network's own classes, and which of them to give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date as calendar_date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.inference.ready import Place, ReadyModel, ReadyOptions

PANEL = "Ready labels"


def _names_a_plugin(value: object) -> str:
    from audiotl_cli.extractors.registry import BUILT_IN

    return "" if value in BUILT_IN else "may only name a network of audiotl itself"


NO_PLUGIN = settings.FromFile(_names_a_plugin)
"""A plug-in is code, which no file may start."""
N_WEEKS = 48


@dataclass(frozen=True)
class Ready:
    """Options that choose a network and some of its classes."""

    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Network whose own classes are the labels: yamnet, birdnet, ced-tiny, ced-mini, "
            "ced-small, ced-base, musicnn, or of a plug-in.  [default: for tag yamnet, or ced if "
            "only that is installed]",
            rich_help_panel=PANEL,
        ),
        NO_PLUGIN,
    ] = None
    labels: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            help="Text file with the labels to give, one on each line. For a species, its "
            "scientific name, its English name, or both joined by _.",
            rich_help_panel=PANEL,
        ),
        settings.TYPED,
    ] = None
    lat: Annotated[
        float | None,
        typer.Option(
            help="Latitude of the recordings, degrees north; with --lon, only species that occur "
            "there are given (birdnet).",
            rich_help_panel=PANEL,
        ),
        settings.FREE,
    ] = None
    lon: Annotated[
        float | None,
        typer.Option(help="Longitude, degrees east.", rich_help_panel=PANEL),
        settings.FREE,
    ] = None
    week: Annotated[
        int | None,
        typer.Option(
            help="With --lat and --lon: week of the year, from 1 to 48, four in each month.  "
            "[default: the whole year]",
            rich_help_panel=PANEL,
        ),
        settings.FREE,
    ] = None
    date: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD",
            help="A day in that week, instead of --week.",
            rich_help_panel=PANEL,
        ),
        settings.FREE,
    ] = None
    layer: Annotated[
        str | None,
        typer.Option(
            help="Other output of the network with classes, such as MTT_musicnn/taggram.",
            rich_help_panel=PANEL,
        ),
        settings.FREE,
    ] = None
    accept_licence: options.AcceptLicence = False

    def given(self) -> list[str]:
        """Return the options that were given, as they are typed."""
        return [
            f"--{name.replace('_', '-')}"
            for name, value in vars(self).items()
            if value not in (None, False)
        ]

    def choose(self, *, threshold: float | None, top_k: int | None, segments: bool) -> ReadyOptions:
        """Return the options for the workflow.

        Raises
        ------
        UsageError
            The place, the week, the threshold or the network is none; nothing was done yet.
        """
        from audiotl_cli.inference.ready import (
            THRESHOLD,
            TOP_K,
            ReadyOptions,
            check_place,
            default_network,
            find_classes,
        )

        if threshold is not None and not 0 < threshold <= 1:
            raise UsageError(
                f"--threshold is {threshold:g}; expected a score above 0 and at most 1"
            )
        network = self.network or default_network()
        place = self._place()
        check_place(network, find_classes(network, self.layer), place)
        return ReadyOptions(
            network=network,
            layer=self.layer,
            labels=self.labels,
            place=place,
            threshold=THRESHOLD if threshold is None else threshold,
            top_k=top_k or TOP_K,
            overlapping=segments,
        )

    def _place(self) -> Place | None:
        from audiotl_cli.inference.ready import Place

        if self.week is not None and self.date is not None:
            raise UsageError("--week and --date cannot be combined; give only one of them")
        if self.lat is None and self.lon is None:
            if self.week is not None or self.date is not None:
                raise UsageError("--week and --date need --lat and --lon")
            return None
        if self.lat is None or self.lon is None:
            raise UsageError("--lat and --lon need each other, both in degrees")
        for name, value, limit in (("--lat", self.lat, 90), ("--lon", self.lon, 180)):
            if not abs(value) <= limit:
                raise UsageError(f"{name} is {value:g}; expected {-limit} to {limit} degrees")
        if self.week is not None and not 1 <= self.week <= N_WEEKS:
            raise UsageError(f"--week is {self.week}; expected 1 to {N_WEEKS}, four in each month")
        week = self.week if self.date is None else week_of(self.date)
        return Place(self.lat, self.lon) if week is None else Place(self.lat, self.lon, week)


def week_of(text: str) -> int:
    """Return the week, 1 to 48, of a date such as 2026-05-01: its share of the year.

    Raises
    ------
    UsageError
        It is no date.
    """
    try:
        day = calendar_date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--date is {text!r}; expected a day such as 2026-05-01") from error
    n_days = calendar_date(day.year, 12, 31).timetuple().tm_yday
    return math.ceil(day.timetuple().tm_yday / n_days * N_WEEKS)


def tell(ready: ReadyModel) -> None:
    """Say which network labels the recordings, by which of its classes, and how."""
    n_labels, chosen = len(ready.model.labels), ready.options
    output.note(
        f"Network {ready.network}: {ready.n_classes} classes; the score of a recording is the "
        f"{'mean' if ready.over == 'mean' else 'highest'} of its windows of "
        f"{ready.model.extractors[0].window_s:g} s"
    )
    if chosen.place is not None:
        when = (
            f"in week {chosen.place.week}" if chosen.place.week > 0 else "in the course of a year"
        )
        output.note(
            f"{ready.n_at_place} of {ready.n_classes} species occur at latitude "
            f"{chosen.place.latitude:g}, longitude {chosen.place.longitude:g} {when}"
        )
    if chosen.labels is not None:
        here = "" if chosen.place is None else " there"
        output.note(f"{n_labels} of {ready.n_classes} labels are left by {chosen.labels}{here}")
