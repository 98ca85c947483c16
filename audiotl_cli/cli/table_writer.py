"""Show predictions as tables, or as lines for endless sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiotl_cli.cli import output
from audiotl_cli.cli.pace import duration
from audiotl_cli.inference.formats.base import Writer

if TYPE_CHECKING:
    from audiotl_cli.inference.events import Event
    from audiotl_cli.inference.prediction import Prediction

TABLE_TOP_K = 3
NONE = "(none of these)"


def _label(prediction: Prediction) -> str:
    """Return what a table says instead of a single label where none is given; else the label."""
    if prediction.note:  # the first words of it
        return f"({prediction.note.partition(':')[0].partition(',')[0]})"
    return NONE if prediction.rejected else str(prediction.label)


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
            show_table(
                self._predictions,
                self.options.top_k or TABLE_TOP_K,
                ranked=self.options.ranked,
            )


class LineWriter(Writer):
    """Shows each recording at once, with its events if requested."""

    def add(self, prediction: Prediction) -> None:
        """Show a recording."""
        if prediction.error is not None:
            return
        if prediction.segments is not None:
            output.line(f"{prediction.path} ({duration(prediction.audio_s)})")
            for event in prediction.segments:
                show_event(event)
            for start_s, end_s, note in prediction.unheard:
                output.line(f"{start_s:9.2f}  {end_s:9.2f}        ({note})")
            return
        label = _label(prediction)
        if prediction.labels is not None and not prediction.note:
            label = ", ".join(prediction.labels) or NONE
        output.line(f"{label}  {prediction.score or 0:.2f}  {prediction.path}")


def show_event(event: Event) -> None:
    """Show an event as a line."""
    bounds = f"{event.start_s:9.2f}  {event.end_s:9.2f}"
    output.line(f"{bounds}  {event.score:.2f}  {event.label}")


def show_table(predictions: Sequence[Prediction], top_k: int, *, ranked: bool = False) -> None:
    """Show a row per recording with its labels, without the failed recordings.

    Parameters
    ----------
    predictions : sequence of Prediction
    top_k : int
        Number of labels.
    ranked : bool
        Whether labels come by score, whether or not they are predicted.
    """
    known = [prediction for prediction in predictions if prediction.error is None]
    if not known:
        return
    columns = ("label", "score", "other labels", "recording")
    grid = output.table(*columns, numbers=("score",), optional=("other labels",))
    for prediction in known:
        first, *rest = list(prediction.scores.items())[:top_k]
        then = ", ".join(f"{output.clean(label)} {value:.2f}" for label, value in rest)
        if prediction.labels is not None and not ranked:
            first = (", ".join(prediction.labels) or f"({first[0]})", first[1])
        path = output.clean(prediction.path)
        label = output.clean(first[0])
        if prediction.note:
            grid.add_row(_label(prediction), "", prediction.note, path)
            continue
        if prediction.rejected:
            label, then = NONE, f"nearest {label}"
        grid.add_row(label, f"{first[1]:.2f}", then, path)
    output.show(grid)


def show_segments(predictions: Sequence[Prediction]) -> None:
    """Show a table of events for each recording."""
    for prediction in predictions:
        if prediction.segments is None:
            continue
        output.line(f"{prediction.path} ({duration(prediction.audio_s)})")
        rows = [
            (event.start_s, event.end_s, output.clean(event.label), f"{event.score:.2f}")
            for event in prediction.segments
        ]
        rows += [(start_s, end_s, f"({note})", "") for start_s, end_s, note in prediction.unheard]
        if not rows:
            output.line("  no events")
            continue
        numbers = ("start s", "end s", "score")
        grid = output.table("start s", "end s", "label", "score", numbers=numbers)
        for start_s, end_s, label, score in sorted(rows):
            grid.add_row(f"{start_s:.2f}", f"{end_s:.2f}", label, score)
        output.show(grid)
