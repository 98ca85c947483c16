"""JSON lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audiotl_cli.inference.formats.base import Writer

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction


class JsonLinesWriter(Writer):
    """Writes a JSON object a line: a recording, or an event of a stream."""

    name = "jsonl"
    suffix = ".jsonl"
    complete = True
    rank = 20

    def add(self, prediction: Prediction) -> None:
        """Write a line."""
        self._write_line(prediction.to_dict(self.options.top_k))

    def add_event(self, path: str, event: Event) -> None:
        """Write a line."""
        self._write_line({"path": path} | event.to_dict())

    def _write_line(self, value: dict[str, Any]) -> None:
        self.write(json.dumps(value, allow_nan=False) + "\n")
