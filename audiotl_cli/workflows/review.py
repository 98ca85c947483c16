"""Judge detections one by one: a queue, verdicts, undo and progress, for any kind of interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audiotl_cli.review.choosing import Choice, choose_in_turn
from audiotl_cli.review.detections import Detection, DetectionOptions, read_detections
from audiotl_cli.review.verdicts import (
    OTHER,
    RIGHT,
    UNDONE,
    VERDICTS,
    Key,
    Verdict,
    append_verdicts,
    check_verdict,
    merge_verdicts,
    now,
    read_verdicts,
    verdicts_beside,
)


@dataclass(frozen=True)
class ReviewRequest:
    """What to review.

    Parameters
    ----------
    sources : sequence of Path
        Files of detections, or folders of label tracks.
    table : Path or None
        Gets the verdicts; None is ``NAME.verdicts.csv`` beside the only source.
    limit : int or None
        Number of detections to choose, those with a verdict among them; None is all.
    reviewer : str
    detections : DetectionOptions
    choice : Choice
    """

    sources: Sequence[Path]
    table: Path | None = None
    limit: int | None = None
    reviewer: str = ""
    detections: DetectionOptions = field(default_factory=DetectionOptions)
    choice: Choice = field(default_factory=Choice)


@dataclass(frozen=True)
class Progress:
    """How far a review is.

    Parameters
    ----------
    n_chosen, n_judged : int
        Detections in the queue, and those of them that have a verdict.
    counts : dict
        Of each label that has detections, the number of each verdict.
    """

    n_chosen: int
    n_judged: int
    counts: dict[str, dict[str, int]]


class Review:
    """Detections that are judged, and the table of their verdicts.

    Other reviewers may write to the same table meanwhile: it is read anew for every question.

    Parameters
    ----------
    request : ReviewRequest

    Raises
    ------
    DataError
        A file holds no detections, or the table is another.
    UsageError
        As `verdicts_beside` and `choose_in_turn`.
    """

    def __init__(self, request: ReviewRequest) -> None:
        self._request = request
        self.table = request.table or verdicts_beside(request.sources)
        self.read = read_detections(request.sources, request.detections)
        self.read.require(request.sources)
        self.chosen = choose_in_turn(self.read.found, request.limit, request.choice)
        self._given: list[Verdict] = []
        self.progress()

    def queue(self, skipped: Sequence[Detection] = ()) -> list[Detection]:
        """Return the chosen detections that have no verdict, without those that were skipped."""
        judged = read_verdicts([self.table])
        without = {detection.key for detection in skipped}
        return [d for d in self.chosen if d.key not in judged and d.key not in without]

    def judge(
        self, detection: Detection, verdict: str, correct_label: str = "", note: str = ""
    ) -> Verdict:
        """Save a verdict at once, and return it. The own label as another one means right.

        Raises
        ------
        DataError
            There is no such verdict.
        OSError
            It cannot be saved.
        """
        if verdict == OTHER and correct_label == detection.label:
            verdict, correct_label = RIGHT, ""
        check_verdict(verdict, correct_label, "verdict")
        given = Verdict(
            *detection.key, detection.score, verdict, correct_label, note, self._request.reviewer,
            now(),
        )  # fmt: skip
        append_verdicts(self.table, [given])
        self._given.append(given)
        return given

    def undo(self) -> Verdict | None:
        """Take back the last verdict given here, and return it; None if there is none."""
        if not self._given:
            return None
        last = self._given[-1]
        taken_back = replace(last, verdict=UNDONE, correct_label="", note="", time=now())
        append_verdicts(self.table, [taken_back])
        return self._given.pop()

    def merge(self, table: Path) -> int:
        """Append the verdicts of another table that are not here yet, and return their number.

        Rows without a reviewer or a time get those of this review.

        Raises
        ------
        DataError
            It is no table of verdicts.
        """
        added = merge_verdicts(self.table, table, self._request.reviewer)
        return len(added)

    def progress(self) -> Progress:
        """Return how far the review is."""
        judged = read_verdicts([self.table])
        keys: set[Key] = {detection.key for detection in self.read.found}
        counts = Counter((v.label, v.verdict) for v in judged.values() if v.key in keys)
        labels = sorted({detection.label for detection in self.read.found})
        return Progress(
            len(self.chosen),
            sum(detection.key in judged for detection in self.chosen),
            {label: {name: counts[label, name] for name in VERDICTS} for label in labels},
        )
