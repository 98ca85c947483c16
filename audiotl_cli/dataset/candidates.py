"""Which columns of a table may hold what, by their names and what is in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from audiotl_cli.audio.suffixes import EXTENSIONS
from audiotl_cli.dataset.column_names import fold_name
from audiotl_cli.dataset.numbers import NO_VALUE, parse_seconds
from audiotl_cli.dataset.rows import Table
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.errors import DataError

UNUSED = "none"
"""What an option names instead of a column, where no column is to be used."""


@dataclass
class Candidates:
    """The columns of a table that have no role yet, and those that have one.

    Parameters
    ----------
    table : Table
    named : mapping
        Columns that options name, by role; `UNUSED` for none.
    roles : dict
        Columns by role, as far as they are known.
    """

    table: Table
    named: Mapping[str, str]
    roles: dict[str, str] = field(default_factory=dict)

    def use_named(self) -> None:
        """Give the columns that options name their roles, or raise `DataError`."""
        forms: tuple[Callable[[str], object], ...] = (
            str, lambda name: name.strip().casefold(), fold_name,
        )  # fmt: skip
        columns = self.table.columns
        for role, wanted in self.named.items():
            same = [
                name for form in forms for name in columns if form(name) == form(wanted)
            ]  # the best first
            if same:
                self.roles[role] = same[0]
            elif wanted != UNUSED:
                raise DataError(
                    f"{self.table.path} has the columns {list_columns(columns)}; expected "
                    f"{wanted} (--{role}-column) as well"
                )

    def of(self, role: str) -> list[str]:
        """Return the columns whose names mean a role; of those, the most usual names alone."""
        if role in self.named:
            return []
        used = set(self.roles.values())
        tiers = {name: fold_name(_base(name)).tier(role) for name in self.table.columns}
        found = {
            name: tier for name, tier in tiers.items() if tier is not None and name not in used
        }
        return [name for name, tier in found.items() if tier == min(found.values())]

    def choose(self, role: str, found: Sequence[str]) -> None:
        """Give the only one of some columns a role; raise `DataError` where several differ."""
        found = [name for name in found if any(self.cells(name))] or list(found[:1])
        if not found:
            return
        first, *others = map(self.cells, found)
        is_same = are_parted_alike if role == "group" else list.__eq__
        if not all(is_same(first, cells) for cells in others):
            examples = "; ".join(f"{name!r} ({self._examples(name)})" for name in found)
            raise DataError(
                f"{self.table.path} has {len(found)} columns that can hold the {role}: {examples}. "
                f"{self.so_far()}Say which, for example with --{role}-column "
                f"{shlex.quote(found[-1])}"
            )
        self.roles[role] = found[0]

    def cells(self, name: str) -> list[str]:
        """Return the cells of a column."""
        return [row.cells[name] for row in self.table.rows]

    def so_far(self) -> str:
        """Return how columns are read so far, as a sentence for messages."""
        known = ", ".join(f"{role}: {column}" for role, column in self.roles.items())
        return f"Understood so far: {known}. " if known else ""

    def holds_recordings(self, name: str) -> bool:
        """Return whether most cells of a column are names of recordings."""
        cells = list(filter(None, self.cells(name)))
        return sum(map(is_recording, cells)) > len(cells) / 2

    def holds_seconds(self, name: str) -> bool:
        """Return whether all cells of a column are times, at least one."""
        cells = [cell for cell in self.cells(name) if cell.lower() not in NO_VALUE]
        return bool(cells) and all(map(is_time, cells))

    def _examples(self, name: str) -> str:
        return ", ".join(list(dict.fromkeys(filter(None, self.cells(name))))[:2]) or "empty"


def are_parted_alike(one: list[str], other: list[str]) -> bool:
    """Return whether two columns differ only in what they call the parts of a table."""
    return len(set(one)) == len(set(other)) == len(set(zip(one, other, strict=True)))


def _base(name: str) -> str:
    return re.sub(r"\.\d+$", "", name)  # of columns that are called the same


def is_recording(text: str) -> bool:
    """Return whether a text ends like the name of a recording."""
    return "." in text and f".{text.rpartition('.')[2].lower()}" in EXTENSIONS


def is_time(text: str) -> bool:
    """Return whether a text is a time or a number."""
    try:
        return parse_seconds(text, "", "", delimiter=";") is not None
    except DataError:
        return False
