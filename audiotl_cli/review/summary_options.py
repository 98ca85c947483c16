"""What a summary of detections counts, and how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import UsageError
from audiotl_cli.review.recording_times import Zones, parse_zone
from audiotl_cli.review.recordings import compile_site
from audiotl_cli.review.summary_report import claim_summary
from audiotl_cli.storage.paths import AnyPath


@dataclass(frozen=True)
class SummaryOptions:
    """What to count, and how.

    Parameters
    ----------
    predictions : sequence of Path
        See `read_detections`.
    recordings : sequence of Path or RemotePath
        All recordings that were searched, or folders of them; those that the predictions name are
        added.
    verdicts : sequence of Path
        Tables of what people judged; see `find_verdicts`.
    min_score : float or None
        Detections below it, and those without a score, are left out.
    site_regex : str or None
        Searched in each path; its first group is the site.
    zone, recorder_zone : str or None
        Zone of the times that are shown, and of the recorders' clocks where none is stated.
    report : Path or None
        Folder to write tables, a figure and a page to.
    overwrite : bool
        Whether files in that folder that somebody else made may be lost.
    """

    predictions: Sequence[Path]
    recordings: Sequence[AnyPath] = ()
    verdicts: Sequence[Path] = ()
    min_score: float | None = None
    site_regex: str | None = None
    zone: str | None = None
    recorder_zone: str | None = None
    report: Path | None = None
    overwrite: bool = False

    def check(self) -> Zones:
        """Return the zones; raise `UsageError` for what options alone can get wrong."""
        compile_site(self.site_regex)
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise UsageError(f"--min-score is {self.min_score}, expected a number")
        zones = Zones(
            parse_zone(self.zone, "--zone") if self.zone else None,
            parse_zone(self.recorder_zone, "--recorder-zone") if self.recorder_zone else None,
        )
        if self.report is not None:
            claim_summary(self.report, overwrite=self.overwrite)
        return zones
