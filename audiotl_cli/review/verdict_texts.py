"""Verdicts as somebody types them: ``PATH:START:LABEL=VERDICT``."""

from __future__ import annotations

from collections.abc import Sequence

from audiotl_cli.errors import UsageError
from audiotl_cli.review.detections import Detection
from audiotl_cli.review.verdicts import OTHER, VERDICTS

_NEAR_S = 0.0006
"""How far the start of a detection that somebody typed may be off, seconds."""


def read_verdict_text(text: str, detections: Sequence[Detection]) -> tuple[Detection, str, str]:
    """Return the detection, the verdict and the correct label that a text means.

    Parameters
    ----------
    text : str
        The verdict in it is right, wrong, unsure or ``other:LABEL``.
    detections : sequence of Detection

    Raises
    ------
    UsageError
        There is no such detection or verdict, or there are several.
    """
    verdict, correct_label = "", ""
    for name in VERDICTS:
        if name != OTHER and text.endswith(f"={name}"):
            verdict = name
    if verdict:
        named = text.removesuffix(f"={verdict}")
    else:
        named, sign, correct_label = text.rpartition(f"={OTHER}:")
        verdict = OTHER
        if not (sign and correct_label):
            raise UsageError(
                f"--set is {text!r}, expected PATH:START:LABEL=VERDICT, where VERDICT is right, "
                "wrong, unsure or other:LABEL"
            )
    found = [detection for detection in detections if _is_named(detection, named)]
    if len(found) != 1:
        n = "no detection is" if not found else f"{len(found)} detections are"
        raise UsageError(f"--set {text!r}: {n} called so; expected PATH:START:LABEL of one")
    return found[0], verdict, correct_label


def _is_named(detection: Detection, name: str) -> bool:
    begin, end = f"{detection.path}:", f":{detection.label}"
    if not (name.startswith(begin) and name.endswith(end)):
        return False
    try:
        start_s = float(name[len(begin) : len(name) - len(end)])
    except ValueError:
        return False
    return abs(start_s - detection.start_s) < _NEAR_S
