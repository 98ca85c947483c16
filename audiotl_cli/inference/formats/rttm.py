"""RTTM, as NIST's tools and those for diarization read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.inference.formats.spans import in_one_word, spans

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction


class RttmWriter(Writer):
    """Writes ``SPEAKER`` lines of ten fields; spaces in names become ``%20`` and the like."""

    name = "rttm"
    suffix = ".rttm"

    def add(self, prediction: Prediction) -> None:
        """Write the events of a recording."""
        for span in spans(prediction):
            self._write_span(prediction.path, span)

    def add_event(self, path: str, event: Event) -> None:
        """Write a line."""
        self._write_span(path, event.to_dict())

    def _write_span(self, path: str, span: dict[str, Any]) -> None:
        self.write(
            f"SPEAKER {in_one_word(path)} 1 {span['start_s']:.6f} "
            f"{span['end_s'] - span['start_s']:.6f} "
            f"<NA> <NA> {in_one_word(span['label'])} {span['score']:.6f} <NA>\n"
        )
