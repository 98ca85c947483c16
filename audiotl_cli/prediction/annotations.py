"""Events as files that other programs open: Audacity labels, Raven selections, RTTM."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from audiotl_cli.files import safe_cell

Record = Mapping[str, Any]
"""``path``, ``duration_s``, ``segments``: list of ``start_s``, ``end_s``, ``label``, ``score``."""

RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Label",
    "Score",
)


def to_audacity(record: Record, high_hz: float) -> str:
    """Return a label track: start, end and label of each event, a line each."""
    return "".join(
        f"{one['start_s']:.6f}\t{one['end_s']:.6f}\t{safe_cell(_in_line(one['label']))}\n"
        for one in record["segments"]
    )


def to_raven(record: Record, high_hz: float) -> str:
    """Return a selection table.

    Parameters
    ----------
    record : mapping
    high_hz : float
        Upper edge of every selection: the highest frequency the model hears.
    """
    lines = ["\t".join(RAVEN_COLUMNS)]
    for number, one in enumerate(record["segments"], start=1):
        bounds = f"{one['start_s']:.6f}\t{one['end_s']:.6f}\t0.0\t{high_hz:.1f}"
        label = safe_cell(_in_line(one["label"]))
        lines.append(f"{number}\tSpectrogram 1\t1\t{bounds}\t{label}\t{one['score']:.6f}")
    return "\n".join(lines) + "\n"


def to_rttm(record: Record, high_hz: float) -> str:
    """Return ``SPEAKER`` lines of ten fields; spaces in names become ``%20`` and the like."""
    name = _one_word(record["path"])
    return "".join(
        f"SPEAKER {name} 1 {one['start_s']:.6f} {one['end_s'] - one['start_s']:.6f} "
        f"<NA> <NA> {_one_word(one['label'])} {one['score']:.6f} <NA>\n"
        for one in record["segments"]
    )


ANNOTATIONS: dict[str, Callable[[Record, float], str]] = {
    "audacity": to_audacity,
    "raven": to_raven,
    "rttm": to_rttm,
}

SUFFIXES = {"audacity": ".labels.txt", "raven": ".selections.txt"}
"""What is added to a recording's name, where each has a file of its own."""


def whole_recording(record: Record) -> list[dict[str, Any]]:
    """Return one segment a label of a recording, from its start to its end."""
    labels: Sequence[str] = record.get("labels", [record["label"]] if record["label"] else [])
    return [
        {
            "start_s": 0.0,
            "end_s": record["duration_s"],
            "label": label,
            "score": record["scores"].get(label, record["score"]),
        }
        for label in labels
    ]


def _in_line(text: str) -> str:
    """Return text without tabs, line ends and other signs that are not printed."""
    return "".join(
        char if char.isprintable() or _is_broken_byte(char) else _escape(char) for char in text
    )


def _one_word(text: str) -> str:
    return "".join(
        char
        if (char.isprintable() and not char.isspace() and char != "%") or _is_broken_byte(char)
        else quote(char)
        for char in text
    )


def _is_broken_byte(char: str) -> bool:
    return "\udc80" <= char <= "\udcff"  # of a name that is no UTF-8; written as it was


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()
