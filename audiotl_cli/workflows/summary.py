"""Count detections by label, hour, day, night and site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from audiotl_cli.errors import UsageError
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.left_out import LeftOut, LeftOutCounter
from audiotl_cli.review.counts import Tally, place_of, zones_of
from audiotl_cli.review.detections import Detection, DetectionOptions, read_detections
from audiotl_cli.review.doubts import reasons_to_doubt
from audiotl_cli.review.judged import Judged, find_verdicts, judge
from audiotl_cli.review.recordings import Recording, describe_recordings
from audiotl_cli.review.summary import Summary
from audiotl_cli.review.summary_options import SummaryOptions
from audiotl_cli.review.summary_report import write_summary
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.text import counted
from audiotl_cli.workflows.predict import list_inputs


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
    detections, left_out = _read(options)
    paths = _paths(detections, options.recordings, left_out)
    judged = judge(find_verdicts(options.verdicts, options.predictions), detections)
    described = describe_recordings(paths, zones, options.site_regex, on_recording)
    recordings = described.by_path
    tally = Tally(detections, judged.right, recordings)
    summary = Summary(
        tally,
        recordings,
        described.sites_from,
        _zone_in_words(options, recordings),
        len(judged.right),
        _warnings(options, recordings, judged),
        left_out,
    )
    if options.report is not None:
        write_summary(summary, options.report)
    return summary


def _read(options: SummaryOptions) -> tuple[list[Detection], list[LeftOut]]:
    """Return the detections that count; their recordings are looked for among those given."""
    given = options.recordings
    folder = given[0] if len(given) == 1 and given[0].is_dir() else None
    read = read_detections(options.predictions, DetectionOptions(folder))
    if options.min_score is None:
        return list(read.found), read.left_out
    low = LeftOutCounter()
    kept = []
    for detection in read.found:
        if detection.score is None or detection.score < options.min_score:
            low.add(f"below --min-score {options.min_score:g}", detection.where, unit="detection")
        else:
            kept.append(detection)
    return kept, read.left_out + low.found()


def _paths(
    detections: Sequence[Detection], given: Sequence[AnyPath], left_out: list[LeftOut]
) -> dict[str, AnyPath]:
    """Return where each recording lies, by its name: those with detections, and those given."""
    paths = {place_of(one): one.recording or Path(one.path) for one in detections}
    known = {_absolute(path) for path in paths.values()}
    skipped = LeftOutCounter()
    for found in list_inputs(given, skipped) if given else []:
        if isinstance(found, Prediction):
            raise UsageError(f"--recordings {found.path} {found.error}")
        if found in given and not found.exists():
            raise UsageError(f"--recordings {found} does not exist; expected a file or folder")
        if _absolute(found) not in known:
            paths[str(found)] = found
    left_out += skipped.found()
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
    if not options.recordings:
        found.append(
            "hours recorded are those of recordings with detections alone; name all that were "
            "searched with --recordings"
        )
    if judged.n_unmatched:
        verdicts = counted(judged.n_unmatched, "verdict")
        found.append(f"{verdicts} fit none of the detections, and were not used")
    return found
