"""Tables for Kaleidoscope, the program of Wildlife Acoustics."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from audiotl_cli.cells import csv_text
from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.inference.formats.spans import in_line, spans

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction

COLUMNS = (
    "INDIR",
    "FOLDER",
    "IN FILE",
    "CHANNEL",
    "OFFSET",
    "DURATION",
    "AUTO ID",
    "SCORE",
    "MANUAL ID",
)


class KaleidoscopeWriter(Writer):
    """Writes a row an event: the folder and the name of the recording, offset and duration.

    The label is in the column ``AUTO ID``; ``MANUAL ID`` is left for a person to fill in.
    """

    name = "kaleidoscope"
    suffix = ".kaleidoscope.csv"

    def begin(self) -> None:
        """Write the header."""
        self.write(csv_text([COLUMNS]))

    def add(self, prediction: Prediction) -> None:
        """Write the events of a recording."""
        for span in spans(prediction):
            self._write_span(prediction.path, span)

    def add_event(self, path: str, event: Event) -> None:
        """Write a row."""
        self._write_span(path, event.to_dict())

    def _write_span(self, path: str, span: dict[str, Any]) -> None:
        folder, name = PurePath(path).parent, PurePath(path).name
        duration = span["end_s"] - span["start_s"]
        where = (str(folder.parent), folder.name, name, 0)
        when = (f"{span['start_s']:.6f}", f"{duration:.6f}")
        row = (*where, *when, in_line(span["label"]), f"{span['score']:.6f}", "")
        self.write(csv_text([row]))
