"""How a named data set is described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from audiotl_cli.dataset.index import Clip


@dataclass(frozen=True)
class Archive:
    """A file in which a data set is published.

    Parameters
    ----------
    url : str
    digest : str
        As documented, ``md5:...`` or ``sha256:...``; empty if the publisher has no stable one.
        Then the recordings in it are counted.
    size : int
        Approximate number of bytes; 0 if not documented. A download that is much larger is
        stopped.
    exact_size : bool
        Whether the size is exact.
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
    """Counts that the publisher documents, of all clips and by the values of a column.

    Parameters
    ----------
    n_clips : int
    labels, splits, folds : mapping
        Value to number of clips; empty if not documented.
    """

    n_clips: int
    labels: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    folds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """The clips that a copy of a data set should hold.

    Parameters
    ----------
    clips : sequence of Clip
        Every clip by the published list, or by the rule for names of the existing recordings;
        whether each file exists is checked elsewhere.
    left_out : callable
        Takes a path of the copy; returns whether it is left out on purpose.
    expected : Expected or None
        If the copy is one of several published parts, the counts of that part.
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
        `name` is for commands.
    licence, citation, home : str
        `home` is a page about it.
    archives : tuple of Archive
        Files to fetch; empty if there is no direct download, then `by_hand` says what to do.
    by_hand : str
    expected : Expected
    label_rule, group_rule, split_rule : str
        Descriptions for users.
    markers : tuple of str
        Paths by which its folder is found: the first that exists. All paths are relative to it.
    listing : callable
        Returns its `Listing`, given its folder and the paths of the recordings in it.
    recognised : bool
        Whether a folder with its first marker is recognised without ``--dataset``.
    caution : str
        A warning before it is used for scores; may be empty.
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
    """Return how many clips have each value of a column, without empty values."""
    found = Counter(str(getattr(clip, column)) for clip in clips)
    return {value: n for value, n in sorted(found.items()) if value}
