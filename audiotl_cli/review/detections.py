"""Detections: stretches of recordings with a label, as predictions or annotations have them.

A path in such a file is looked for in three places: below `DetectionOptions.audio_root`, where that
is given, by `dataset/finder.py` (`Finder`); then from the current folder, as its writer ran; then
from the folder of the file. A label track or a selection table names its recording by its own name
(``night.wav.labels.txt``), beside it or below the audio root.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.layouts.annotations import annotation_files, recordings_beside
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.left_out import LeftOut, LeftOutCounter
from audiotl_cli.review.detection_files import read_file
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.storage.paths import AnyPath, join

_OWN_NAMES = (".labels.txt", ".selections.txt")
"""Ends of the names of files that audiotl writes for each recording."""

_DIGITS = 6


@dataclass(frozen=True)
class Detection:
    """A stretch of a recording with a label.

    Parameters
    ----------
    path : str
        The recording as the file of detections names it; for label tracks and selection tables,
        its path from the current folder.
    start_s, end_s : float
        Seconds from the start of the recording.
    label : str
    score : float or None
        0 to 1 where a model gave it; None for annotations.
    where : str
        File and line, for messages.
    recording : Path, RemotePath or None
        Where the recording is; None if it was not found.
    """

    path: str
    start_s: float
    end_s: float
    label: str
    score: float | None = None
    where: str = field(default="", compare=False)
    recording: AnyPath | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, float, float, str]:
        """What a detection is known by: path, start and end in seconds, label."""
        return self.path, self.start_s, self.end_s, self.label


@dataclass(frozen=True)
class DetectionOptions:
    """Which detections to read.

    Parameters
    ----------
    audio_root : Path, RemotePath or None
        The folder of the recordings, if they are elsewhere than the detections say.
    labels : tuple of str
        Only these; empty for all.
    min_score, max_score : float or None
        Only scores from and up to these; detections without a score are then left out.
    """

    audio_root: AnyPath | None = None
    labels: tuple[str, ...] = ()
    min_score: float | None = None
    max_score: float | None = None


@dataclass(frozen=True)
class Detections:
    """What files of detections hold.

    Parameters
    ----------
    found : tuple of Detection
        In the order of path, start, end and label, each once, whether or not their recordings
        were found.
    missing : dict
        The number of detections of each recording that was not found, by its path.
    left_out : list of LeftOut
    n_other : int
        Detections of other labels or scores than were asked for.
    """

    found: tuple[Detection, ...]
    missing: dict[str, int]
    left_out: list[LeftOut]
    n_other: int = 0

    def require(self, sources: Sequence[Path]) -> None:
        """Raise `DataError` if there are no detections."""
        if self.found:
            return
        names = ", ".join(map(str, sources))
        if self.n_other:
            raise DataError(
                f"{names}: none of {self.n_other} detections has such a label and score; change "
                "--label, --min-score or --max-score"
            )
        raise DataError(f"{names}: there are no detections")


def read_detections(sources: Sequence[Path], options: DetectionOptions | None = None) -> Detections:
    """Read detections from files, and folders of label tracks or selection tables.

    Parameters
    ----------
    sources : sequence of Path
    options : DetectionOptions, optional

    Raises
    ------
    DataError
        There is no such file, or it is damaged or no file of detections (with its line), or
        holds predictions of whole recordings.
    UsageError
        No detection has one of the labels asked for.
    """
    options = options or DetectionOptions()
    left_out = LeftOutCounter()
    found: dict[tuple[str, float, float, str], Detection] = {}
    places = _Places(options.audio_root)
    other: set[tuple[str, float, float, str]] = set()
    for file in _files(sources):
        for detection in _found_in(file, places, left_out):
            if detection.key in found:
                left_out.add("repeats another detection", detection.where, unit="detection")
            elif _is_wanted(detection, options):
                found[detection.key] = detection
            else:
                other.add(detection.key)
    _check_labels(options.labels, {key[-1] for key in (*found, *other)})
    missing: dict[str, int] = {}
    ordered = tuple(found[key] for key in sorted(found))
    for detection in ordered:
        if detection.recording is None:
            missing[detection.path] = missing.get(detection.path, 0) + 1
    return Detections(ordered, missing, left_out.found(), len(other))


def _check_labels(wanted: Sequence[str], known: set[str]) -> None:
    for label in wanted:
        if known and label not in known:
            raise UsageError(f"no detection is labelled {label!r}{did_you_mean(label, known)}")


def _is_wanted(detection: Detection, options: DetectionOptions) -> bool:
    if options.labels and detection.label not in options.labels:
        return False
    if options.min_score is None and options.max_score is None:
        return True
    low, high = options.min_score, options.max_score
    score = detection.score
    return score is not None and (low is None or score >= low) and (high is None or score <= high)


def _files(sources: Sequence[Path]) -> Iterator[Path]:
    for source in dict.fromkeys(sources):
        if not source.is_dir():
            yield source
            continue
        files = annotation_files(source)
        if not files:
            raise DataError(
                f"{source} holds no label tracks or selection tables; name files, or the folder "
                "that audiotl predict --segments --format audacity wrote"
            )
        yield from files


def _found_in(file: Path, places: _Places, left_out: LeftOutCounter) -> Iterator[Detection]:
    own: str | None = None
    for found in read_file(file, left_out):
        if not found.path and own is None:
            own = places.own_recording(file)
        path = found.path or own or ""
        yield Detection(
            path,
            round(found.start_s, _DIGITS),
            round(found.end_s, _DIGITS),
            found.label,
            found.score,
            found.where,
            places(path, file.parent),
        )


class _Places:
    """Finds recordings, each once."""

    def __init__(self, audio_root: AnyPath | None) -> None:
        self._audio_root = audio_root
        self._known: dict[tuple[str, Path], AnyPath | None] = {}

    @cached_property
    def _find(self) -> Finder | None:
        return None if self._audio_root is None else Finder(self._audio_root)

    def __call__(self, path: str, folder: Path) -> AnyPath | None:
        """Return where a recording is that a file in a folder names; None if it is not found."""
        key = path, folder
        if key not in self._known:
            self._known[key] = self._place(path, folder)
        return self._known[key]

    def own_recording(self, file: Path) -> str:
        """Return the path of the recording that the name of a file says."""
        beside = recordings_beside([file])[file]
        if len(beside) == 1:
            return str(beside[0])
        end = next((end for end in _OWN_NAMES if file.name.endswith(end)), file.suffix)
        return file.name.removesuffix(end)

    def _place(self, path: str, folder: Path) -> AnyPath | None:
        if self._find is not None and self._audio_root is not None:
            below = self._find(path)
            if below not in self._find.unmatched:
                return join(self._audio_root, below)
        for root in (Path(), folder):
            place = join(root, path)
            if not isinstance(place, Path) or place.is_file():
                return place
        return None
