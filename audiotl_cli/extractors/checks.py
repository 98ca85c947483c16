"""What a publisher says its network gives, held against what it gives here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One published value and what was found.

    Parameters
    ----------
    what : str
        The input and the quantity.
    expected, found : str
    passed : bool
    """

    what: str
    expected: str
    found: str
    passed: bool
