"""Which clips a model is fitted on and which are held out, round by round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audiotl_cli.errors import DataError, UsageError


@dataclass(frozen=True)
class Round:
    """One fit and what it is tested on.

    Parameters
    ----------
    name : str
        Of the part held out.
    train, test : list of int
        Positions of clips.
    """

    name: str
    train: list[int]
    test: list[int]


def leave_one_out(parts: Sequence[str], column: str) -> list[Round]:
    """Hold out each part in turn.

    Parameters
    ----------
    parts : sequence of str
        The fold, group, ... of every clip; empty ones are not allowed.
    column : str
        Where the parts come from, for messages: ``fold`` or ``group``.

    Raises
    ------
    DataError
        A clip has no part, or there is only one.
    """
    missing = sum(not part for part in parts)
    if missing:
        raise DataError(
            f"{missing} of {len(parts)} clips have no {column} in the index; give it with "
            f"audiotl index --{column}-regex or --{column}-column"
            + (", or deal some with --folds" if column == "fold" else "")
        )
    names = sorted(set(parts), key=lambda name: (len(name), name))
    if len(names) < 2:
        raise DataError(f"all clips have the same {column}, {names[0]!r}; expected at least two")
    return [
        Round(
            name,
            [i for i, part in enumerate(parts) if part != name],
            [i for i, part in enumerate(parts) if part == name],
        )
        for name in names
    ]


def check_groups(rounds: Sequence[Round], groups: Sequence[str]) -> list[str]:
    """Return the groups that are on both sides of a round."""
    leaks: set[str] = set()
    for part in rounds:
        leaks |= {groups[i] for i in part.train if groups[i]} & {groups[i] for i in part.test}
    return sorted(leaks)


@dataclass(frozen=True)
class Protocol:
    """How clips take turns in being held out.

    Parameters
    ----------
    parts : str or int
        ``fold`` or ``group``: the index's own; or a number of folds to deal.
    n_repeats : int
        How often they are dealt, each time in another way.
    """

    parts: str | int
    n_repeats: int = 1


def parse_protocol(text: str) -> Protocol:
    """Read ``fold``, ``group``, a number of folds, or that times a number of repeats (5x10).

    Raises
    ------
    UsageError
        It is none of these.
    """
    if text in ("fold", "group"):
        return Protocol(text)
    found = re.fullmatch(r"([0-9]{1,6})(?:x([0-9]{1,6}))?", text)
    if found and int(found[1]) >= 2 and int(found[2] or 1) >= 1:
        return Protocol(int(found[1]), int(found[2] or 1))
    raise UsageError(
        f"--cv is {text!r}, expected fold, group, or a number of folds above 1, alone or times "
        "repeats, such as 5x10"
    )
