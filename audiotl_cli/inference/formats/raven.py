"""Selection tables of Raven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.cells import safe_cell
from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.inference.formats.spans import in_line, spans

if TYPE_CHECKING:
    from audiotl_cli.inference.prediction import Prediction

COLUMNS = (
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


class RavenWriter(Writer):
    """Writes a numbered selection an event, over the band of the model's networks."""

    name = "raven"
    suffix = ".selections.txt"
    streams = False
    file_each = True

    def begin(self) -> None:
        """Write the header."""
        self._n_written = 0
        self.write("\t".join(COLUMNS) + "\n")

    def add(self, prediction: Prediction) -> None:
        """Write the events of a recording."""
        for span in spans(prediction):
            self._n_written += 1
            bounds = f"{span['start_s']:.6f}\t{span['end_s']:.6f}"
            band = "{:.1f}\t{:.1f}".format(*self.options.band_hz)
            label = safe_cell(in_line(span["label"]))
            self.write(
                f"{self._n_written}\tSpectrogram 1\t1\t{bounds}\t{band}\t{label}"
                f"\t{span['score']:.6f}\n"
            )
