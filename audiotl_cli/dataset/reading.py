"""How the columns of a table are read: which holds the path, the label, the times, and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audiotl_cli.dataset.candidates import Candidates, are_parted_alike, is_recording, is_time
from audiotl_cli.dataset.column_names import fold_name
from audiotl_cli.dataset.rows import Table, is_unnamed
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.dataset.time_columns import choose_times, describe_times
from audiotl_cli.errors import DataError

_PLAIN = ("path", "label", "split", "fold", "group")
_ONES = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_NO_LABELS = {"channel", "ch", "selection", "id", "index", "verified", "manuallyverified"}
"""Folded names of columns of 0 and 1 that are not named after labels."""


@dataclass(frozen=True)
class Reading:
    """The columns of a table by what they hold.

    Parameters
    ----------
    roles : mapping
        From the names of `column_names.ALIASES` to columns.
    columns : sequence of str
        All of the table.
    one_hot : sequence of str
        Columns that are named after labels and hold 1 where a row has it; only without a column
        of labels.
    """

    roles: Mapping[str, str]
    columns: Sequence[str]
    one_hot: Sequence[str] = ()

    def described(self) -> dict[str, str]:
        """Return in words what each field of a clip is read from."""
        found = {role: self.roles[role] for role in _PLAIN if role in self.roles}
        if "folder" in self.roles:
            found["path"] = f"{self.roles['folder']}/{found['path']}"
        if self.one_hot:
            found["label"] = f"the names of {list_columns(self.one_hot)} (one-hot)"
        return found | describe_times(self.roles)

    def unused(self) -> list[str]:
        """Return the columns that nothing is read from."""
        used = {*self.roles.values(), *self.one_hot}
        return [name for name in self.columns if name not in used]

    def __str__(self) -> str:
        read = ", ".join(f"{field}: {column}" for field, column in self.described().items())
        return f"{read}; not used: {list_columns(self.unused())}" if self.unused() else read


def read_columns(table: Table, named: Mapping[str, str]) -> Reading:
    """Decide what each column of a table holds.

    Parameters
    ----------
    table : Table
    named : mapping
        Columns that options name, by role.

    Raises
    ------
    DataError
        Several columns could hold the same thing, or columns of times are not understood. Says how
        the columns were read, and which option decides.
    """
    candidates = Candidates(table, named)
    candidates.use_named()
    _refuse_missing_header(candidates)
    candidates.choose("path", _paths(candidates))
    if "path" in candidates.roles:
        candidates.choose("folder", candidates.of("folder"))
    candidates.choose("label", _without_codes(candidates))
    for role in ("split", "fold", "group"):
        candidates.choose(role, candidates.of(role))
    choose_times(candidates)
    has_labels = "label" in candidates.roles or "label" in named
    return Reading(candidates.roles, table.columns, [] if has_labels else _one_hot(candidates))


def is_one(cell: str) -> bool:
    """Return whether a cell of a one-hot column says that a row has the label."""
    return _ONES[cell.lower()]


def _refuse_missing_header(candidates: Candidates) -> None:
    columns = candidates.table.columns
    named = set(candidates.roles.values())
    is_data = any(is_recording(name) for name in columns if name not in named)
    if not is_data and "path" not in candidates.roles and not candidates.of("path"):
        is_data = any(is_time(name) for name in columns)
    if is_data:
        raise DataError(
            f"{candidates.table.path}: the first row looks like data "
            f"({list_columns(columns)}), not like the names of columns. Write a first row such as "
            "path,label or path,start_s,end_s,label, without a # before it"
        )


def _paths(candidates: Candidates) -> list[str]:
    """Return the columns that may hold paths: of several, those that name recordings."""
    usual = candidates.of("path")
    if not usual:
        return []
    names = [name for name in candidates.table.columns if fold_name(name).tier("path") is not None]
    audio = [name for name in names if candidates.holds_recordings(name)]
    if len(audio) > 1:
        files = [[_base(cell) for cell in candidates.cells(name)] for name in audio]
        if all(other == files[0] for other in files):  # with and without folders
            return [max(audio, key=lambda name: sum(map(len, candidates.cells(name))))]
    return [name for name in audio if name in usual] or audio or usual


def _without_codes(candidates: Candidates) -> list[str]:
    """Return the columns of labels, without numbers that stand for the labels of another."""
    found = candidates.of("label")
    cells = {name: candidates.cells(name) for name in found}
    texts = [name for name in found if not all(map(str.isdecimal, cells[name]))]
    if len(texts) != 1:
        return found
    labels = cells[texts[0]]
    return [name for name in found if name in texts or not are_parted_alike(labels, cells[name])]


def _one_hot(candidates: Candidates) -> list[str]:
    used = set(candidates.roles.values())
    found = [
        name
        for name in candidates.table.columns
        if name not in used
        and not is_unnamed(name)
        and fold_name(name).key not in _NO_LABELS
        and all(cell.lower() in _ONES for cell in candidates.cells(name))
        and not all(map(is_one, candidates.cells(name)))
    ]
    return found if len(found) > 1 else []


def _base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]
