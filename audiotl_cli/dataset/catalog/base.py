"""What is known of a named data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from audiotl_cli.dataset.index import Clip


@dataclass(frozen=True)
class Archive:
    """A file the data set is published in.

    Parameters
    ----------
    url : str
    digest : str
        As documented, ``md5:...`` or ``sha256:...``; empty where its publisher has none that
        lasts. Then the recordings in it are counted.
    size : int
        Roughly how many bytes; 0 where not documented. A download that goes far beyond is
        given up.
    exact_size : bool
        Whether the size is known to the byte.
    """

    url: str
    digest: str = ""
    size: int = 0
    exact_size: bool = False

    @property
    def file_name(self) -> str:
        """Its name on disk."""
        return PurePosixPath(urlsplit(self.url).path).name


@dataclass(frozen=True)
class Expected:
    """Counts its publisher gives, of clips in all and by the values of a column.

    Parameters
    ----------
    n_clips : int
    labels, splits, folds : mapping
        Value to number of clips; empty where none are given.
    """

    n_clips: int
    labels: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    folds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """What a data set says it holds, for a copy at hand.

    Parameters
    ----------
    clips : sequence of Clip
        Every clip it should have by its published list, or by its rule for names of those
        that are there; whether each file exists is not asked here.
    left_out : callable
        Tells of a path of the copy whether it is left out on purpose.
    expected : Expected or None
        Where the copy is one of several published parts: the counts of that part.
    """

    clips: Sequence[Clip]
    left_out: Callable[[str], bool] = lambda path: False
    expected: Expected | None = None


@dataclass(frozen=True)
class DataSet:
    """A named data set.

    Parameters
    ----------
    name, title, summary : str
        `name` is what commands take.
    licence, citation, home : str
        `home` is a page about it.
    archives : tuple of Archive
        What to fetch; empty where there is no direct download, then `by_hand` says what to do.
    by_hand : str
    expected : Expected
    label_rule, group_rule, split_rule : str
        In words.
    markers : tuple of str
        Paths that tell its folder, the first that is there counts; below it all paths start.
    listing : callable
        Returns its `Listing`, given its folder and the paths of the recordings in it.
    recognised : bool
        Whether a folder with its first marker is taken for it without being told.
    caution : str
        What to know before a number is measured with it; empty for nothing.
    """

    name: str
    title: str
    summary: str
    licence: str
    citation: str
    home: str
    archives: tuple[Archive, ...]
    by_hand: str
    expected: Expected
    label_rule: str
    group_rule: str
    split_rule: str
    markers: tuple[str, ...]
    listing: Callable[[Path, Sequence[str]], Listing]
    recognised: bool = False
    caution: str = ""


def counts_by(clips: Sequence[Clip], column: str) -> dict[str, int]:
    """Return how many clips have each value of a column, empty ones left out."""
    found = Counter(str(getattr(clip, column)) for clip in clips)
    return {value: n for value, n in sorted(found.items()) if value}
