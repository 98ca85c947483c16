"""Count what a command leaves out: files, rows of tables and annotations, by reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

N_EXAMPLES = 3
"""How many examples of each reason are kept."""

SYSTEM_FILE = "system file"
"""The unit of hidden files and of those that systems write, which nobody misses."""


@dataclass(frozen=True)
class LeftOut:
    """Things that were left out for one reason.

    Parameters
    ----------
    reason : str
        Why, as a clause without a subject: ``has no length``.
    n : int
    examples : tuple of str
        Up to `N_EXAMPLES` of them: paths, or lines of files.
    suffix : str
        Of the files, in lower case, such as ``.m4a``; otherwise empty.
    unit : str
        The thing that is counted, in the singular: ``file``, ``row``, ``annotation``.
    """

    reason: str
    n: int
    examples: tuple[str, ...] = ()
    suffix: str = ""
    unit: str = "file"

    @property
    def counted(self) -> str:
        """The number of things, such as ``8 .m4a files``."""
        return f"{self.n:,} {self.suffix} {self.unit}{'' if self.n == 1 else 's'}".replace(
            "  ", " "
        )


class LeftOutCounter:
    """Collects what is left out while recordings are listed and tables are read."""

    def __init__(self) -> None:
        self._examples: dict[tuple[str, str, str], list[str]] = {}
        self._n: dict[tuple[str, str, str], int] = {}
        self.labels: set[str] = set()

    def add(
        self,
        reason: str,
        example: str,
        *,
        suffix: str = "",
        unit: str = "file",
        labels: Iterable[str] = (),
    ) -> None:
        """Count one thing that is left out; parameters as in `LeftOut`.

        `labels` are those that it would have had: a label that no clip has in the end is
        reported.
        """
        key = (unit, suffix, reason)
        self._n[key] = self._n.get(key, 0) + 1
        examples = self._examples.setdefault(key, [])
        if len(examples) < N_EXAMPLES:
            examples.append(example)
        self.labels.update(filter(None, labels))

    def found(self) -> list[LeftOut]:
        """Return everything that was left out, the most frequent first."""
        groups = [
            LeftOut(reason, n, tuple(self._examples[unit, suffix, reason]), suffix, unit)
            for (unit, suffix, reason), n in self._n.items()
        ]
        return sorted(groups, key=lambda group: (-group.n, group.unit, group.suffix, group.reason))
