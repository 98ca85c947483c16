"""What formats for other programs share: labelled stretches of time, and text in their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from audiotl_cli.inference.prediction import Prediction


def spans(prediction: Prediction) -> list[dict[str, Any]]:
    """Return the events of a recording; without any asked for, the whole of it once a label.

    A recording that failed has none.
    """
    if prediction.error is not None:
        return []
    if prediction.segments is not None:
        return [event.to_dict() for event in prediction.segments]
    labels = prediction.labels
    if labels is None:
        labels = [] if prediction.label is None else [prediction.label]
    return [
        {
            "start_s": 0.0,
            "end_s": prediction.audio_s,
            "label": label,
            "score": prediction.scores.get(label, prediction.score),
        }
        for label in labels
    ]


def in_line(text: str) -> str:
    """Return text without tabs, line ends and other signs that are not printed."""
    return "".join(
        char if char.isprintable() or _is_broken_byte(char) else _escape(char) for char in text
    )


def in_one_word(text: str) -> str:
    """Return text without spaces: they become ``%20`` and the like."""
    return "".join(
        char
        if (char.isprintable() and not char.isspace() and char != "%") or _is_broken_byte(char)
        else quote(char)
        for char in text
    )


def _is_broken_byte(char: str) -> bool:
    return "\udc80" <= char <= "\udcff"  # of a name that is not UTF-8; written as it was


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
