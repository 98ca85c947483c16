"""A table: a row a recording, or a row an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from audiotl_cli.cells import csv_text
from audiotl_cli.inference.formats.base import Writer

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction

EVENT = ("start_s", "end_s", "label", "score")


class CsvWriter(Writer):
    """Writes a column ``score:LABEL`` for every label, in the model's order; or events, a row each.

    Where labels are too many for that, the best are in ``label_1``, ``score_1``, ``label_2``...

    A recording that failed has a row with its error; one without anything to hear has a note, and
    so have stretches of silence beside events.
    """

    name = "csv"
    suffix = ".csv"
    complete = True
    rank = 30

    def begin(self) -> None:
        """Write the header."""
        options = self.options
        columns = [*EVENT]
        if not options.segments:
            columns = ["label", "score", *(["labels"] if options.multi_label else [])]
            columns += self._score_columns()
        sorts = ["sorted_to"] if options.sorts else []
        self._write_row(["path", *columns, *sorts, "note", "error"])

    def add(self, prediction: Prediction) -> None:
        """Write the row of a recording, or those of its events."""
        value = prediction.to_dict(self.options.top_k)
        ends: list[object] = [prediction.sorted_to or ""] if self.options.sorts else []
        error = value["error"]["message"] if "error" in value else ""
        if self.options.segments:
            rows = [[*(event[name] for name in EVENT), ""] for event in value.get("segments", [])]
            rows += [[start, end, "", "", note] for start, end, note in prediction.unheard]
            for *event, note in sorted(rows, key=lambda row: row[0]):
                self._write_row([prediction.path, *event, *ends, note, ""])
            if error:
                self._write_row([prediction.path, *("" for _ in EVENT), *ends, "", error])
            return
        cells: list[object] = [value["label"] or "", value["score"]]
        if self.options.multi_label:
            cells.append(";".join(prediction.labels or []))
        cells += self._score_cells(value["scores"])
        self._write_row([prediction.path, *cells, *ends, prediction.note, error])

    def add_event(self, path: str, event: Event) -> None:
        """Write the row of an event."""
        ends = [""] if self.options.sorts else []
        value = event.to_dict()
        self._write_row([path, *(value[name] for name in EVENT), *ends, "", ""])

    def _score_columns(self) -> list[str]:
        if not self.options.ranked:
            return [f"score:{label}" for label in self.options.labels]
        return [f"{what}_{rank}" for rank in self._ranks() for what in ("label", "score")]

    def _score_cells(self, scores: Mapping[str, float]) -> list[object]:
        if not self.options.ranked:
            return [scores.get(label, "") for label in self.options.labels]
        n_cells = 2 * len(self._ranks())
        cells: list[object] = [cell for item in scores.items() for cell in item]
        return (cells + [""] * n_cells)[:n_cells]

    def _ranks(self) -> range:
        return range(1, 1 + min(self.options.top_k or 1, len(self.options.labels)))

    def _write_row(self, cells: Iterable[object]) -> None:
        self.write(csv_text([cells]))
