"""Convert between the labels of a clip and their text, joined by ``;``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

SEPARATOR = ";"
"""Separates the labels of a multi-label clip, as in an index."""

_SCORE = re.compile(r" \((0\.\d\d|1\.00)\)\Z")

THRESHOLD = 0.5
"""The score from which a multi-label model gives a clip a label."""

MOST_TIMES = 2.0
"""How many times the clips of the rarest label the commonest may have, to count as balanced."""


def split_labels(text: str) -> list[str]:
    """Return the labels in a text, sorted and without duplicates."""
    return sorted({part.strip() for part in text.split(SEPARATOR)} - {""})


def join_labels(labels: Iterable[str]) -> str:
    """Return labels as one text, sorted: the same set always gives the same text."""
    return SEPARATOR.join(sorted(set(labels)))


def canonical(text: str) -> str:
    """Return the canonical text of a set of labels, whatever their order."""
    return join_labels(split_labels(text))


def with_score(label: str, score: float) -> str:
    """Return a label with its score after it, as in ``owl (0.87)``; see `without_score`."""
    return f"{label} ({score:.2f})"


def without_score(text: str) -> str:
    """Return a label without the score that `with_score` wrote after it, if there is one."""
    return _SCORE.sub("", text)


def score_after(text: str) -> float | None:
    """Return the score that `with_score` wrote after a label, to two digits; None without one."""
    found = _SCORE.search(text)
    return None if found is None else float(found[1])


def are_unbalanced(labels: Sequence[Hashable]) -> bool:
    """Return whether the commonest label has more than `MOST_TIMES` the clips of the rarest."""
    counts = Counter(labels).values()
    return bool(counts) and max(counts) > MOST_TIMES * min(counts)


def clip_weights(labels: Sequence[Hashable]) -> list[float]:
    """Return what every clip counts, 1 on average.

    Where labels are unbalanced, all labels count the same, however many clips they have: a mean
    with these weights of what is right is then the balanced accuracy, and else the accuracy.
    """
    counts = Counter(labels)
    if not are_unbalanced(labels):
        return [1.0] * len(labels)
    return [len(labels) / (len(counts) * counts[label]) for label in labels]


BACKGROUND_NAMES = ("background", "noise", "silence")
"""Labels that mean that there is nothing to report, in any case of letters."""


def is_background(label: str) -> bool:
    """Return whether a label says that there is nothing to report."""
    return label.strip().casefold() in BACKGROUND_NAMES
