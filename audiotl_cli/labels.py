"""Convert between the labels of a clip and their text, joined by ``;``."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ";"
"""Separates the labels of a multi-label clip, as in an index."""

THRESHOLD = 0.5
"""The score from which a multi-label model gives a clip a label."""


def split_labels(text: str) -> list[str]:
    """Return the labels in a text, sorted and without duplicates."""
    return sorted({part.strip() for part in text.split(SEPARATOR)} - {""})


def join_labels(labels: Iterable[str]) -> str:
    """Return labels as one text, sorted: the same set always gives the same text."""
    return SEPARATOR.join(sorted(set(labels)))


def canonical(text: str) -> str:
    """Return the canonical text of a set of labels, whatever their order."""
    return join_labels(split_labels(text))
