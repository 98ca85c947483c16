"""Predictions as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audiotl_cli.inference.events import Event
from audiotl_cli.inference.formats.base import Writer, WriterOptions
from audiotl_cli.inference.prediction import Prediction


def written(kind: type[Writer], *predictions: Prediction, **options: Any) -> str:
    """Return what a writer makes of predictions."""
    parts: list[str] = []
    writer = kind(parts.append, WriterOptions(**options))
    writer.begin()
    for prediction in predictions:
        writer.add(prediction)
    writer.end()
    return "".join(parts)


def heard(events: Sequence[dict[str, Any]], path: str = "a.wav") -> Prediction:
    """Return a prediction of some events, with a score of 0.5 where they have none."""
    found = [Event(**({"score": 0.5} | changed)) for changed in events]
    return Prediction(path, {}, segments=found)
