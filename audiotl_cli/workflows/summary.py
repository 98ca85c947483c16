"""Count detections by label, hour, day, night and site."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import UsageError
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.review.counts import Tally, zones_of
from audiotl_cli.review.detected import TABLES, Detected, read_detected
from audiotl_cli.review.doubts import reasons_to_doubt
from audiotl_cli.review.recording_times import Zones, parse_zone
from audiotl_cli.review.recordings import Recording, compile_site, describe_recordings
from audiotl_cli.review.summary import Summary
from audiotl_cli.review.summary_report import claim_summary, write_summary
from audiotl_cli.review.verdicts_read import Judged, read_verdicts
from audiotl_cli.storage.paths import AnyPath, join
from audiotl_cli.text import counted
from audiotl_cli.workflows.predict import list_inputs


@dataclass(frozen=True)
class SummaryOptions:
    """What to count, and how.

    Parameters
    ----------
    predictions : sequence of Path
        Files that ``predict --segments`` wrote.
    recordings : sequence of Path or RemotePath
        All recordings that were searched, or folders of them; those that the predictions name are
        added.
    verdicts : sequence of Path
        Tables of what people judged.
    min_score : float
        Detections below it are left out.
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
    min_score: float = 0.0
    site_regex: str | None = None
    zone: str | None = None
    recorder_zone: str | None = None
    report: Path | None = None
    overwrite: bool = False

    def check(self) -> Zones:
        """Return the zones; raise `UsageError` for what options alone can get wrong."""
        compile_site(self.site_regex)
        if not math.isfinite(self.min_score):
            raise UsageError(f"--min-score is {self.min_score}, expected a number")
        zones = Zones(
            parse_zone(self.zone, "--zone") if self.zone else None,
            parse_zone(self.recorder_zone, "--recorder-zone") if self.recorder_zone else None,
        )
        if self.report is not None:
            claim_summary(self.report, overwrite=self.overwrite)
        return zones


def summarise(
    options: SummaryOptions, on_recording: Callable[[int, int], None] = lambda done, total: None
) -> Summary:
    """Count detections by label, hour, day, night and site, and write the report.

    Parameters
    ----------
    options : SummaryOptions
    on_recording : callable
        Called with the number of recordings whose headers were read, and of how many.

    Raises
    ------
    DataError
        A file of predictions or verdicts is missing or damaged, or holds no events.
    UsageError
        Options do not fit together, or a file of the report is somebody else's.
    """
    zones = options.check()
    detected = read_detected(options.predictions)
    left_out = LeftOutCounter()
    kept = detected.kept(options.min_score, left_out)
    paths = _paths(detected, options.recordings, left_out)
    judged = read_verdicts(options.verdicts, detected.detections)
    described = describe_recordings(paths, zones, options.site_regex, on_recording)
    recordings = described.by_path
    verdicts = {event: right for event, right in judged.verdicts.items() if event in kept}
    tally = Tally(kept, verdicts, recordings)
    summary = Summary(
        tally,
        recordings,
        described.sites_from,
        _zone_in_words(options, recordings),
        len(verdicts),
        _warnings(options, recordings, judged),
        left_out.found(),
    )
    if options.report is not None:
        write_summary(summary, options.report)
    return summary


def _paths(
    detected: Detected, given: Sequence[AnyPath], left_out: LeftOutCounter
) -> dict[str, AnyPath]:
    """Return where each recording lies; those that failed were not searched."""
    names = [path for path in detected.paths if path not in detected.failed]
    paths = {name: join(Path(), name) for name in names}
    known = {_absolute(path) for path in paths.values()}
    failed = {_absolute(join(Path(), name)) for name in detected.failed}
    for found in list_inputs(given, left_out) if given else []:
        if isinstance(found, Prediction):
            raise UsageError(f"--recordings {found.path} {found.error}")
        if found in given and not found.exists():
            raise UsageError(f"--recordings {found} does not exist; expected a file or folder")
        if _absolute(found) not in known | failed:
            paths[str(found)] = found
    return paths


def _absolute(path: AnyPath) -> str:
    return str(path.absolute()) if isinstance(path, Path) else str(path)


def _zone_in_words(options: SummaryOptions, recordings: Mapping[str, Recording]) -> str:
    if options.zone:
        return options.zone
    zones = zones_of(recordings.values())
    names = [name or options.recorder_zone or "zone not stated" for name in sorted(zones)]
    return ", ".join(names) or "unknown"


def _warnings(
    options: SummaryOptions, recordings: Mapping[str, Recording], judged: Judged
) -> list[str]:
    found = reasons_to_doubt(list(recordings.values()), zone_given=options.zone is not None)
    if not options.recordings and any(one.suffix.lower() in TABLES for one in options.predictions):
        found.append(
            "hours recorded are those of recordings that the predictions name; a table names none "
            "without events. Name all that were searched with --recordings"
        )
    if judged.n_unmatched:
        verdicts = counted(judged.n_unmatched, "verdict")
        found.append(f"{verdicts} fit none of the detections, and were not used")
    return found
