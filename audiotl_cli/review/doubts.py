"""Reasons to doubt counts: recordings whose time, length or site may be wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audiotl_cli.review.counts import overlaps, zones_of
from audiotl_cli.review.recording_times import MODIFIED
from audiotl_cli.review.recordings import Recording
from audiotl_cli.text import counted

CLOCK_SET = 2000
"""Years before this one are those of clocks that nobody set."""


def reasons_to_doubt(every: Sequence[Recording], *, zone_given: bool) -> list[str]:
    """Return what may be wrong with the times, the lengths or the sites of recordings.

    Parameters
    ----------
    every : sequence of Recording
    zone_given : bool
        Whether all times are shown in one zone.
    """
    found: list[str] = []

    def warn(some: Sequence[Recording], text: str) -> None:
        if some:
            found.append(f"{counted(len(some), 'recording')} {text} (such as {some[0].path})")

    warn(
        [one for one in every if math.isnan(one.duration_s)],
        "without a known length, so hours recorded and rates are not known there",
    )
    warn([one for one in every if one.when is None], "without a known time")
    warn(
        [one for one in every if one.source == MODIFIED],
        "placed by the modification time of the file, which copying may change",
    )
    warn(
        [one for one in every if one.disagrees],
        "with another time in the metadata than in the name; the name counts",
    )
    warn(
        [one for one in every if one.when is not None and one.when.year < CLOCK_SET],
        f"from before {CLOCK_SET}: the clock of the recorder may not have been set",
    )
    pairs = list(overlaps(every))
    if pairs:
        first, second, seconds = pairs[0]
        found.append(
            f"{counted(len(pairs), 'pair')} of recordings of one site that overlap in time, such "
            f"as {first.path} and {second.path} by {seconds:.0f} s; their sounds count twice. If "
            "they are of two sites, name these with --site-regex"
        )
    zones = zones_of(every)
    if not zone_given and len(zones) > 1:
        names = ", ".join(f"{n} {name or 'none'}" for name, n in sorted(zones.items()))
        found.append(f"recordings state different time zones ({names}); give --zone")
    return found
