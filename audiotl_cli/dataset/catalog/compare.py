"""Compares a copy of a data set with what its publisher documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.dataset.catalog.base import DataSet, Expected, counts_by
from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError


@dataclass(frozen=True)
class CountDifference:
    """A count that differs from the published one; `counted` is for example ``label dog``."""

    counted: str
    expected: int
    found: int


@dataclass(frozen=True)
class Comparison:
    """What a copy of a data set holds, and what it should hold.

    Parameters
    ----------
    dataset : DataSet
    root : Path
        The data set's own folder: the given one, or one in it.
    clips : list of Clip
        The clips that exist.
    n_expected : int
    missing : list of str
        Published paths that do not exist.
    extra : list of str
        Recordings that exist and are not published.
    left_out : list of str
        Recordings that the data set leaves out on purpose.
    differences : list of CountDifference
    """

    dataset: DataSet
    root: Path
    clips: list[Clip]
    n_expected: int
    missing: list[str]
    extra: list[str]
    left_out: list[str]
    differences: list[CountDifference]

    @property
    def complete(self) -> bool:
        """Whether it is exactly as published."""
        return not (self.missing or self.extra or self.differences)


def compare(dataset: DataSet, source: Path) -> Comparison:
    """Read the clips of a data set from a copy, and find what differs from the published one.

    Raises
    ------
    DataError
        The folder is missing, holds no clips of the data set, or lacks its lists.
    """
    if not source.is_dir():
        raise DataError(
            f"{source}: no such folder; expected {dataset.title} there. {how_to_get(dataset)}"
        )
    root = find_root(dataset, source)
    recordings = [path.relative_to(root).as_posix() for path in find_recordings(root)]
    listing = dataset.listing(root, recordings)
    there = set(recordings)
    clips = [clip for clip in listing.clips if clip.path in there]
    if not clips:
        raise DataError(
            f"{source} holds no clips of {dataset.title}: expected {dataset.markers[0]} in it; its "
            f"labels are {dataset.label_rule}. {how_to_get(dataset)}"
        )
    listed = {clip.path for clip in listing.clips}
    others = [path for path in recordings if path not in listed]
    expected = listing.expected or dataset.expected
    return Comparison(
        dataset=dataset,
        root=root,
        clips=clips,
        n_expected=expected.n_clips,
        missing=sorted(clip.path for clip in listing.clips if clip.path not in there),
        extra=[path for path in others if not listing.left_out(path)],
        left_out=[path for path in others if listing.left_out(path)],
        differences=_differences(clips, expected),
    )


def find_root(dataset: DataSet, source: Path) -> Path:
    """Return the data set's own folder: `source`, or one in it, as in archives."""
    folders = [source, *sorted(path for path in source.iterdir() if path.is_dir())]
    for marker in dataset.markers:
        for folder in folders:
            if (folder / marker).exists():
                return folder
    return source


def how_to_get(dataset: DataSet) -> str:
    """Return how to get a data set."""
    if dataset.archives:
        return f"Get it with: audiotl datasets fetch {dataset.name}"
    return f"There is no direct download: {dataset.by_hand}"


def _differences(clips: Sequence[Clip], expected: Expected) -> list[CountDifference]:
    found = []
    if len(clips) != expected.n_clips:
        found.append(CountDifference("clips", expected.n_clips, len(clips)))
    for column, counts in (
        ("label", expected.labels), ("split", expected.splits), ("fold", expected.folds)
    ):  # fmt: skip
        here = counts_by(clips, column)
        for value in sorted({*counts, *here} if counts else ()):
            pair = counts.get(value, 0), here.get(value, 0)
            if pair[0] != pair[1]:
                found.append(CountDifference(f"{column} {value}", *pair))
    return found
