"""Label tracks of Audacity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiotl_cli.cells import safe_cell
from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.inference.formats.spans import in_line, spans
from audiotl_cli.labels import with_score

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction


class AudacityWriter(Writer):
    """Writes start, end and label of each event with its score, a line each, parted by tabs."""

    name = "audacity"
    suffix = ".labels.txt"
    file_each = True

    def add(self, prediction: Prediction) -> None:
        """Write the events of a recording."""
        for span in spans(prediction):
            self._write_span(span)

    def add_event(self, path: str, event: Event) -> None:
        """Write a line."""
        self._write_span(event.to_dict())

    def _write_span(self, span: dict[str, Any]) -> None:
        label = safe_cell(with_score(in_line(span["label"]), span["score"]))
        self.write(f"{span['start_s']:.6f}\t{span['end_s']:.6f}\t{label}\n")
