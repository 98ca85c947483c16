"""Cut detections out of their recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.dataset.layouts.cut import TABLE
from audiotl_cli.errors import AudioError
from audiotl_cli.left_out import LeftOut
from audiotl_cli.locks import locked
from audiotl_cli.review.choosing import Choice, choose_per_label
from audiotl_cli.review.cut import CutFolder, CutOptions
from audiotl_cli.review.detections import Detection, DetectionOptions, read_detections
from audiotl_cli.written import check_folder

OnDetection = Callable[[int, int], None]
"""Called with the number of detections that are done, and of all."""


@dataclass(frozen=True)
class CutRequest:
    """What to cut.

    Parameters
    ----------
    sources : sequence of Path
        Files of detections, or folders of label tracks.
    folder : Path
        Gets the clips.
    max_per_label : int or None
    detections : DetectionOptions
    choice : Choice
    options : CutOptions
    """

    sources: Sequence[Path]
    folder: Path
    max_per_label: int | None = None
    detections: DetectionOptions = field(default_factory=DetectionOptions)
    choice: Choice = field(default_factory=Choice)
    options: CutOptions = field(default_factory=CutOptions)


@dataclass(frozen=True)
class CutReport:
    """What was cut.

    Parameters
    ----------
    folder, table : Path
    n_cut, n_skipped : int
        Clips that were written, and those of earlier runs.
    labels : dict
        The number of clips of each label.
    failures : list of (Detection, AudioError)
    left_out : list of LeftOut
        What the files of detections hold beside detections.
    """

    folder: Path
    table: Path
    n_cut: int
    n_skipped: int
    labels: dict[str, int]
    failures: list[tuple[Detection, AudioError]]
    left_out: list[LeftOut]


def cut_detections(request: CutRequest, on_detection: OnDetection | None = None) -> CutReport:
    """Write a sound file for each chosen detection, unless an earlier run has written it.

    Raises
    ------
    TimeoutError
        Another run is writing into the folder.
    DataError
        A file holds no detections, or the folder has another table of clips.
    UsageError
        Nothing can be written into the folder, or scores are asked for and there are none.
    OSError
        A clip cannot be written: the disk is full, for example.
    """
    check_folder(request.folder)
    read = read_detections(request.sources, request.detections)
    read.require(request.sources)
    chosen = choose_per_label(read.found, request.max_per_label, request.choice)
    # by recording and time: each recording is read forwards
    wanted = sorted((d for found in chosen.values() for d in found), key=lambda d: d.key)
    n_cut = n_skipped = 0
    labels = dict.fromkeys(chosen, 0)
    failures: list[tuple[Detection, AudioError]] = []
    request.folder.mkdir(parents=True, exist_ok=True)
    # two runs at once would cut the same detections twice
    with locked(request.folder / TABLE), Decoders() as decoders:
        folder = CutFolder(request.folder, list(chosen), request.options)
        for n_done, detection in enumerate(wanted, start=1):
            if folder.file_of(detection) is not None:
                n_skipped += 1
            else:
                try:
                    folder.cut(detection, decoders)
                    n_cut += 1
                except AudioError as error:
                    failures.append((detection, error))
                    labels[detection.label] -= 1
            labels[detection.label] += 1
            if on_detection is not None:
                on_detection(n_done, len(wanted))
    return CutReport(
        request.folder, folder.table, n_cut, n_skipped, labels, failures, read.left_out
    )
