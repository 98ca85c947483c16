"""Find the name that somebody means by a part of it, or that is spelt nearly like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MIN_LIKENESS = 0.6
"""Lowest similarity of two names (`difflib` ratio) for a name to be suggested."""

MOST_NAMES = 3
"""Names that are suggested at once."""


def meant_by(text: str, names: Sequence[str]) -> list[str]:
    """Return the names that a text stands for: itself, else those it begins, else those it is in.

    Upper and lower case count the same unless the text is a name as it stands.
    """
    if text in names:
        return [text]
    folded = text.casefold()
    same = [name for name in names if name.casefold() == folded]
    begun = [name for name in names if name.casefold().startswith(folded)]
    return same or begun or [name for name in names if folded in name.casefold()]


def nearest(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that are spelt like a text or contain a word that is, the nearest first."""

    def likeness(name: str) -> float:
        parts = [name.casefold(), *name.casefold().replace("-", " ").split()]
        return max(difflib.SequenceMatcher(None, text.casefold(), part).ratio() for part in parts)

    ranked = sorted(((likeness(name), name) for name in names), key=lambda pair: -pair[0])
    return [name for score, name in ranked[:MOST_NAMES] if score >= MIN_LIKENESS]


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return a question to add to a message, with the nearest names; empty if none is near."""
    found = nearest(text, names)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def is_one_slip_away(text: str, other: str) -> bool:
    """Return whether one letter is missing, added or wrong, or two are swapped, and no more."""
    if len(text) > len(other):
        text, other = other, text
    start = next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), len(text)
    )
    left, right = text[start:], other[start:]
    if len(text) < len(other):
        return left == right[1:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return text != other and (left[1:] == right[1:] or swapped)
