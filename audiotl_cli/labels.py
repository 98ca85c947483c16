"""The labels of a clip as text: one, or several joined by ``;``."""

from __future__ import annotations

from collections.abc import Iterable

SEPARATOR = ";"
"""Between the labels of a clip that has several, as in an index."""

THRESHOLD = 0.5
"""The score from which a multi-label model gives a clip a label."""


def split_labels(text: str) -> list[str]:
    """Return the labels in a text, sorted, each once."""
    return sorted({part.strip() for part in text.split(SEPARATOR)} - {""})


def join_labels(labels: Iterable[str]) -> str:
    """Return labels as one text, sorted: the same set always gives the same text."""
    return SEPARATOR.join(sorted(set(labels)))


def canonical(text: str) -> str:
    """Return the text that stands for a set of labels, in whatever order they were given."""
    return join_labels(split_labels(text))
