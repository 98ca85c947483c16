"""Labels that a source has, and that nothing can be learnt of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from audiotl_cli.dataset.audit import clip_problems
from audiotl_cli.dataset.index import Clip, clip_labels

UNREADABLE = {"unreadable", "empty"}
"""Problems of clips without a sample that can be used."""


def is_readable(clip: Clip) -> bool:
    """Return whether nothing is known that keeps a clip from being read."""
    return UNREADABLE.isdisjoint(clip_problems(clip))


def warn_of_lost_labels(had: Iterable[str], clips: Sequence[Clip]) -> list[str]:
    """Return warnings of labels that no clip has in the end, or none that can be read.

    Parameters
    ----------
    had : iterable of str
        The labels that were found.
    clips : sequence of Clip
        Of the index, with their problems.
    """
    left = {label for clip in clips for label in clip_labels(clip)}
    readable = {label for clip in clips if is_readable(clip) for label in clip_labels(clip)}
    return [
        *_warning(set(had) - left, "no clip left: all were left out"),
        *_warning(left - readable, "no clip that can be read"),
    ]


def _warning(labels: Collection[str], what: str) -> list[str]:
    names = ", ".join(sorted(labels))
    have = f"the labels {names} have" if len(labels) > 1 else f"the label {names} has"
    return [f"{have} {what}"] if labels else []
