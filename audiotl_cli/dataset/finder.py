"""Find the recordings that tables and annotations name."""

from __future__ import annotations

import logging
import os
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from audiotl_cli.audio.listing import Listing, list_folder
from audiotl_cli.audio.reasons import same_name
from audiotl_cli.audio.suffixes import EXTENSIONS, NOT_READ
from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.index import Clip
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.storage.paths import AnyPath, relative

logger = logging.getLogger(__name__)

N_CANDIDATES = 3
"""Recordings that a message names at most."""

Parts = tuple[str, ...]


class Finder:
    """Finds recordings below a folder by the names that a table has for them.

    A name is taken as a path below the folder. If there is no such file, the recording is taken
    whose path ends as the name does, if only one does: first by its whole name, then without its
    suffix. Upper and lower case, the way in which accents are written, and backslashes instead of
    slashes make no difference.

    Parameters
    ----------
    root : Path or RemotePath
        The folder; it is listed only if it has to be.

    Attributes
    ----------
    unmatched : dict
        Paths that were returned although there is no such file, and why.
    matched : dict
        Names for which a recording of another name was taken, and its path.
    """

    def __init__(self, root: AnyPath) -> None:
        self.root = root
        self.unmatched: dict[str, str] = {}
        self.matched: dict[str, str] = {}
        self._exists = _existence_test(root)
        self._folders: dict[str, set[Parts]] = defaultdict(set)

    def expect(self, names: Iterable[str]) -> None:
        """Take note of all names before the first is searched.

        Where several end in the same file name, but lie in different folders, a recording in yet
        another folder is none of them.
        """
        for name in names:
            *folders, last = _parts(name) or ("",)
            self._folders[_stem(last)].add(tuple(folders))

    @cached_property
    def listing(self) -> Listing:
        """What lies below the folder."""
        return list_folder(self.root)

    @cached_property
    def _by_ending(self) -> dict[Parts, list[str]]:
        """Recordings by the ends of their paths, from the name upwards, also without suffix.

        A name takes no longer to find where thousands of recordings are called the same.
        """
        found: dict[Parts, list[str]] = defaultdict(list)
        skipped = (item.path for item in self.listing.skipped if item.suffix)
        for path in [*self.listing.paths, *skipped]:
            *folders, last = _parts(path)
            for name in (last, _stem(last)):
                ending = (name, *reversed(folders))
                for n in range(len(ending)):
                    found[ending[: n + 1]].append(path)
        return found

    def __call__(self, text: str) -> str:
        """Return the path of a recording relative to the root, or the name where there is none."""
        if not text or self._exists(text):
            return text
        path = text.replace("\\", "/")
        for same in (path, plain_cell(path)):  # written by audiotl, see `safe_cell`
            if self._exists(same):
                return same
        found = self._candidates(path)
        if len(found) == 1:
            self.matched[text] = found[0]
            return found[0]
        if found:
            more = ", ..." if len(found) > N_CANDIDATES else ""
            self.unmatched[path] = (
                f"fits several recordings: {', '.join(found[:N_CANDIDATES])}{more}; give more of "
                "its path"
            )
        elif path.rstrip("/") in self.listing.folders:
            self.unmatched[path] = "is a folder; name the recordings in it, one a row"
        else:
            self.unmatched[path] = f"is not below {self.root}, nor is a recording of that name"
        return path

    def log(self, table: str) -> None:
        """Report how many names were found elsewhere, or under another spelling."""
        for name, path in list(self.matched.items())[:1]:
            logger.info(
                "%s: %s matched to recordings whose names differ, such as %s -> %s",
                table,
                _n_names(len(self.matched), "was", "were"),
                name,
                path,
            )

    def _candidates(self, path: str) -> list[str]:
        """Return the recordings that a name fits best."""
        *folders, last = _parts(path) or ("",)
        for name in (last, _stem(last)):
            ending = (name, *reversed(folders))
            for n in range(len(ending), 0, -1):
                if fitting := sorted(self._by_ending.get(ending[:n], ())):
                    return self._most_certain(fitting, path, n)
        return []

    def _most_certain(self, fitting: list[str], path: str, n_equal: int) -> list[str]:
        """Return those of fitting recordings that a name may mean; `n_equal` parts are equal."""
        exact = [other for other in fitting if PurePosixPath(other).name == path.rpartition("/")[2]]
        fitting = exact if len(exact) == 1 else fitting
        parts = _parts(path)
        if len(fitting) > 1 or n_equal >= min(len(parts), len(_parts(fitting[0]))):
            return fitting
        own = parts[:-1]
        others = (same for same in self._folders[_stem(parts[-1])] if same != own)
        # one of them lies in another folder than this: then folders matter
        is_another = any(_n_equal(own, same) < min(len(own), len(same)) for same in others)
        return [] if is_another else fitting


def warn_of_unmatched(unmatched: Mapping[str, str]) -> list[str]:
    """Return a warning of paths that are of no recording, given with the reasons."""
    n = _n_names(len(unmatched), "has", "have")
    return [f"{n} no recording; {path} {reason}" for path, reason in list(unmatched.items())[:1]]


def count_unnamed(
    find: Finder,
    clips: Iterable[Clip],
    left_out: LeftOutCounter,
    *,
    everywhere: bool,
    reason: str = "the table does not name it",
) -> None:
    """Count what lies below the folder and is not among the recordings of clips.

    Parameters
    ----------
    find : Finder
    clips : iterable of Clip
    left_out : LeftOutCounter
    everywhere : bool
        Whether to look everywhere below the folder, or only in the folder that all of the
        recordings are in: a table may lie beside much else.
    reason : str
        Why recordings are left out.
    """
    named = {clip.path for clip in clips}
    inside = [path for path in named if not (_is_url(path) or path.startswith(("/", "../")))]
    folders = [posixpath.dirname(path) for path in inside if path not in find.unmatched]
    common = "" if everywhere or not folders else posixpath.commonpath(folders)
    common += "/" * bool(common)
    listing = list_folder(find.root / common) if common else find.listing
    for path in (f"{common}{path}" for path in listing.paths):
        if path not in named:
            suffix = PurePosixPath(path).suffix.lower()
            left_out.add(reason, path, suffix=suffix)
    listing.count(left_out, named, below=common)


def _n_names(n: int, singular: str, plural: str) -> str:
    return f"1 name {singular}" if n == 1 else f"{n} names {plural}"


def _parts(path: str) -> Parts:
    """Return the parts of a path, each as `same_name`."""
    parts = path.replace("\\", "/").split("/")
    return tuple(same_name(part) for part in parts if part not in ("", "."))


def _stem(name: str) -> str:
    """Return a name without the suffix of a sound file; other dots are part of a name."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122  (a Path takes longer)
    return stem if suffix in EXTENSIONS or suffix in NOT_READ else name


def _is_url(path: str) -> bool:
    return path.find("://") > 1  # a single letter is a drive


def _n_equal(folders: Parts, others: Parts) -> int:
    """Return how many folders are equal, from the end."""
    pairs = zip(reversed(folders), reversed(others), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _existence_test(root: AnyPath) -> Callable[[str], bool]:
    """Return a function that says if a file exists; on object storage, files are listed once."""
    if isinstance(root, Path):
        folder = root  # for the type

        def exists(path: str) -> bool:
            place = os.path.join(folder, path)  # noqa: PTH118  (a Path takes longer)
            return _is_url(path) or (os.path.exists(place) and not os.path.isdir(place))  # noqa: PTH110, PTH112

        return exists
    names = {relative(path, root) for path in root.files()}
    return lambda path: _is_url(path) or path in names
