"""One JSON array."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audiotl_cli.inference.formats.base import Writer

if TYPE_CHECKING:
    from audiotl_cli.inference.prediction import Prediction


class JsonWriter(Writer):
    """Writes all predictions as one JSON array, at the end."""

    name = "json"
    suffix = ".json"
    streams = False
    complete = True
    rank = 10

    def begin(self) -> None:
        """Begin an array."""
        self._values: list[dict[str, Any]] = []

    def add(self, prediction: Prediction) -> None:
        """Take an object of the array."""
        self._values.append(prediction.to_dict(self.options.top_k))

    def end(self) -> None:
        """Write the array."""
        self.write(json.dumps(self._values, allow_nan=False) + "\n")
