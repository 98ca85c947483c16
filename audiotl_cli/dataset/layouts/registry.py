"""What a layout is, and which there are. To add one, write its file beside this one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from audiotl_cli.audio.suffixes import EXTENSIONS
from audiotl_cli.dataset import layouts
from audiotl_cli.dataset.candidates import UNUSED
from audiotl_cli.dataset.catalog.compare import Comparison
from audiotl_cli.dataset.finder import warn_of_unmatched
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.reading import Reading
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.storage.paths import AnyPath, need_local


@dataclass(frozen=True)
class Source:
    """Clips as they were found, before groups, folds and splits are added.

    Parameters
    ----------
    clips : list of Clip
    root : Path or RemotePath
        What their paths are relative to.
    tables : list of Path or RemotePath
        The files about them, which must not be overwritten.
    comparison : Comparison or None
        Of a named data set with what its publisher documents.
    unmatched : dict
        Paths of clips that are of no recording, and why.
    left_out : LeftOutCounter
        What is not among the clips, and why.
    reading : Reading or None
        How the columns of a table were read.
    warnings : sequence of str
        What to look into in a table.
    failures : mapping
        Files of annotations that cannot be used, and why.
    """

    clips: list[Clip]
    root: AnyPath
    tables: Sequence[AnyPath] = ()
    comparison: Comparison | None = None
    unmatched: Mapping[str, str] = field(default_factory=dict)
    reading: Reading | None = None
    warnings: Sequence[str] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    left_out: LeftOutCounter = field(default_factory=LeftOutCounter, compare=False)


@dataclass(frozen=True)
class Request:
    """What is to be indexed.

    Parameters
    ----------
    source : Path or RemotePath
        A folder or a file.
    options : IndexOptions
    table : Path, RemotePath or None
        The file that lists the clips: the source itself, or ``--metadata``.
    labelled : bool
        Whether labels are wanted; not where they come from another layout.
    left_out : LeftOutCounter
        Layouts add what they find and do not take.
    """

    source: AnyPath
    options: IndexOptions
    table: AnyPath | None = None
    labelled: bool = True
    left_out: LeftOutCounter = field(default_factory=LeftOutCounter, compare=False)

    @property
    def table_options(self) -> IndexOptions:
        """How to read a table: without its labels, where these come from elsewhere."""
        return self.options if self.labelled else replace(self.options, label_column=UNUSED)

    @property
    def root(self) -> AnyPath:
        """The folder that paths are relative to."""
        return self.source.parent if self.table is self.source else self.source

    @property
    def folder_to_recognise(self) -> Path | None:
        """The folder whose layout is to be guessed; None where options or a table name one.

        On object storage it takes long to look for files, so nothing is guessed there.
        """
        options = self.options
        named = options.labels_from or options.label_level or options.label_regex or self.table
        return self.source if not named and isinstance(self.source, Path) else None


@dataclass(frozen=True)
class Layout:
    """A way in which recordings and their labels are laid out.

    Parameters
    ----------
    order : int
        Layouts with lower numbers are tried first.
    read : callable
        Takes a `Request`; returns its `Source`, or None where it has another layout.
    labels_from : str
        Its name for ``--labels-from``; empty where it is only recognised.
    """

    order: int
    read: Callable[[Request], Source | None]
    labels_from: str = ""


def read_source(source: AnyPath, options: IndexOptions) -> Source:
    """Read the clips of a source by the first layout that fits.

    Layouts that an option names come first.

    Raises
    ------
    DataError
        Nothing to index, or a table that is wrong.
    UsageError
        Options that do not fit together.
    """
    is_file = source.is_file()
    _check_labels_from(options.labels_from)
    options.check(str(source), is_file=is_file)
    if source.suffix.lower() in EXTENSIONS and is_file:
        raise UsageError(f"{source} is a recording; name the folder it is in, or a table")
    if isinstance(source, Path) and source.exists() and not (is_file or source.is_dir()):
        raise DataError(f"{source} is a pipe, a socket or a device; expected a folder or a table")
    request = Request(source, options, options.metadata or (source if is_file else None))
    found = read_first(request)
    warnings = [*found.warnings, *warn_of_unmatched(found.unmatched)]
    return replace(found, warnings=warnings, left_out=request.left_out)


def read_first(request: Request) -> Source:
    """Read clips by the first layout that fits; the last, ``folder``, always does."""
    return next(found for layout in all_layouts() if (found := layout.read(request)))


def read_without_labels(request: Request) -> Source:
    """Read clips by the first layout that fits, for a layout that only adds the labels."""
    return read_first(replace(request, labelled=False))


@cache
def all_layouts() -> list[Layout]:
    """Return every layout in the order in which they are tried."""
    names = [module.name for module in pkgutil.iter_modules(layouts.__path__)]
    found: list[Layout] = [
        importlib.import_module(f"{layouts.__name__}.{name}").LAYOUT
        for name in names
        if name != "registry"
    ]
    return sorted(found, key=lambda layout: layout.order)


def local(path: AnyPath) -> Path:
    """Return a path of this machine as it is, or raise `UsageError`."""
    return need_local(path, "copy it to a disk first, or index it by folders or a table")


def local_folder(path: AnyPath) -> Path:
    """Return a folder of this machine as it is, or raise `DataError` if it does not exist."""
    folder = local(path)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    return folder


def _check_labels_from(name: str | None) -> None:
    names = [layout.labels_from for layout in all_layouts() if layout.labels_from]
    if name is not None and name not in names and ":" not in name:
        raise UsageError(
            f"--labels-from is {name!r}; choose from {', '.join(sorted(names))}, or name a "
            f"function of your own as MODULE:FUNCTION{did_you_mean(name, names)}"
        )
