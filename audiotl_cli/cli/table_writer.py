"""Show predictions as tables, or as lines for endless sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiotl_cli.cli import output
from audiotl_cli.inference.formats.base import Writer

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction

TABLE_TOP_K = 3
NONE = "(none of these)"


class TableWriter(Writer):
    """Shows a table of all recordings at the end, and each event of a stream as a line at once."""

    name = "table"
    rank = 0

    def begin(self) -> None:
        """Begin a table."""
        self._predictions: list[Prediction] = []

    def add(self, prediction: Prediction) -> None:
        """Take a recording."""
        self._predictions.append(prediction)

    def add_event(self, path: str, event: Event) -> None:
        """Show an event."""
        show_event(event)

    def end(self) -> None:
        """Show the table."""
        if self.options.segments:
            show_segments(self._predictions)
        else:
            show_table(self._predictions, self.options.top_k or TABLE_TOP_K)


class LineWriter(Writer):
    """Shows each recording at once, with its events if requested."""

    def add(self, prediction: Prediction) -> None:
        """Show a recording."""
        if prediction.error is not None:
            return
        if prediction.segments is not None:
            output.line(f"{prediction.path} ({output.duration(prediction.audio_s)})")
            for event in prediction.segments:
                show_event(event)
            return
        label = NONE if prediction.rejected else prediction.label
        if prediction.labels is not None:
            label = ", ".join(prediction.labels) or NONE
        output.line(f"{label}  {prediction.score or 0:.2f}  {prediction.path}")


def show_event(event: Event) -> None:
    """Show an event as a line."""
    bounds = f"{event.start_s:9.2f}  {event.end_s:9.2f}"
    output.line(f"{bounds}  {event.score:.2f}  {event.label}")


def show_table(predictions: Sequence[Prediction], top_k: int) -> None:
    """Show a row per recording with its labels, without the failed recordings."""
    known = [prediction for prediction in predictions if prediction.error is None]
    if not known:
        return
    grid = output.table("label", "score", "other labels", "recording", numbers=("score",))
    for prediction in known:
        first, *rest = list(prediction.scores.items())[:top_k]
        then = ", ".join(f"{output.clean(label)} {value:.2f}" for label, value in rest)
        if prediction.labels is not None:
            first = (", ".join(prediction.labels) or f"({first[0]})", first[1])
        path = output.clean(prediction.path)
        if prediction.rejected:
            then = f"nearest {output.clean(first[0])}"
        label = NONE if prediction.rejected else output.clean(first[0])
        grid.add_row(label, f"{first[1]:.2f}", then, path)
    output.show(grid)


def show_segments(predictions: Sequence[Prediction]) -> None:
    """Show a table of events for each recording."""
    for prediction in predictions:
        if prediction.segments is None:
            continue
        output.line(f"{prediction.path} ({output.duration(prediction.audio_s)})")
        if not prediction.segments:
            output.line("  no events")
            continue
        numbers = ("start s", "end s", "score")
        grid = output.table("start s", "end s", "label", "score", numbers=numbers)
        for event in prediction.segments:
            bounds = (f"{event.start_s:.2f}", f"{event.end_s:.2f}")
            grid.add_row(*bounds, output.clean(event.label), f"{event.score:.2f}")
        output.show(grid)
