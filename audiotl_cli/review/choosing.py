"""Choose among detections: so many for each label, by their scores."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from audiotl_cli.errors import UsageError
from audiotl_cli.labels import THRESHOLD
from audiotl_cli.review.detections import Detection

Select = Literal["random", "best", "uncertain", "even"]
"""At random, the highest scores, those nearest to `THRESHOLD`, or evenly over scores."""


@dataclass(frozen=True)
class Choice:
    """Which detections to take.

    Parameters
    ----------
    select : {"random", "best", "uncertain", "even"}
    seed : int
        For ``random``. Detections that are added later change the order of no others.
    """

    select: Select = "random"
    seed: int = 0


def choose_per_label(
    detections: Sequence[Detection], n_each: int | None, choice: Choice
) -> dict[str, list[Detection]]:
    """Return up to `n_each` detections of each label, in the order of choice; None is all.

    Raises
    ------
    UsageError
        Scores are asked for, and no detection has one.
    """
    by_label: dict[str, list[Detection]] = defaultdict(list)
    for detection in detections:
        by_label[detection.label].append(detection)
    if choice.select != "random" and detections and all(d.score is None for d in detections):
        raise UsageError(
            f"--select {choice.select} needs scores, and these detections have none; use --select "
            "random"
        )
    return {
        label: _ordered(found, n_each, choice)[:n_each] for label, found in sorted(by_label.items())
    }


def choose_in_turn(
    detections: Sequence[Detection], limit: int | None, choice: Choice
) -> list[Detection]:
    """Return up to `limit` detections, of every label in turn; errors as `choose_per_label`."""
    n_labels = len({detection.label for detection in detections})
    n_each = None if limit is None or not n_labels else -(-limit // n_labels)
    if n_each is not None and choice.select != "even":
        n_each = limit  # rare labels leave their place to others
    chosen = choose_per_label(detections, n_each, choice)
    turns = chain.from_iterable(zip_longest(*chosen.values()))
    return [detection for detection in turns if detection is not None][:limit]


def _ordered(found: Sequence[Detection], n_each: int | None, choice: Choice) -> list[Detection]:
    scored = [d for d in found if d.score is not None]
    unscored = [d for d in found if d.score is None]
    if choice.select == "random":
        return sorted(found, key=lambda detection: _draw(detection, choice.seed))
    if choice.select == "best":
        ranked = sorted(scored, key=lambda d: (-(d.score or 0), d.key))
    elif choice.select == "uncertain":
        ranked = sorted(scored, key=lambda d: (abs((d.score or 0) - THRESHOLD), d.key))
    else:
        ranked = _evenly(scored, n_each)
    return [*ranked, *unscored]


def _draw(detection: Detection, seed: int) -> bytes:
    text = repr((seed, detection.key)).encode("utf-8", "backslashreplace")
    return hashlib.sha256(text).digest()


def _evenly(scored: Sequence[Detection], n: int | None) -> list[Detection]:
    """Return the detections nearest to `n` scores at equal distances, from the highest down."""
    left = sorted(scored, key=lambda d: (-(d.score or 0), d.key))
    if n is None or n >= len(left):
        return left
    scores = [detection.score or 0.0 for detection in left]
    high, low = scores[0], scores[-1]
    chosen: list[int] = []
    free = set(range(len(left)))
    for i in range(n):
        wanted = (high + low) / 2 if n == 1 else high - (high - low) * i / (n - 1)
        nearest = min(free, key=lambda at: (abs(scores[at] - wanted), at))
        free.remove(nearest)
        chosen.append(nearest)
    return [left[at] for at in chosen]
