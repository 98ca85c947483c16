"""Predictions as records, tables and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output

if TYPE_CHECKING:
    from audiotl_cli.prediction.events import Event
    from audiotl_cli.workflows.predict import Model, Prediction

TABLE_TOP_K = 3
NONE = "(none of these)"


def to_record(prediction: Prediction, top_k: int | None) -> dict[str, Any]:
    scores = dict(list(prediction.scores.items())[:top_k])
    record: dict[str, Any] = {
        "path": prediction.path,
        "label": prediction.label,
        "score": None if prediction.score is None else round(prediction.score, 6),
        "scores": {label: round(value, 6) for label, value in scores.items()},
    }
    if prediction.labels is not None:
        record["labels"] = prediction.labels
    if prediction.rejected:
        record["rejected"] = True
    if prediction.segments is not None:
        record["segments"] = [event_record(event) for event in prediction.segments]
    if prediction.error is not None:
        record["error"] = {
            "stage": prediction.error.stage,
            "code": prediction.error.code,
            "message": str(prediction.error),
        }
    return record


def event_record(event: Event) -> dict[str, Any]:
    """Return an event as JSON has it."""
    return {
        "start_s": round(event.start_s, 6),
        "end_s": round(event.end_s, 6),
        "label": event.label,
        "score": round(event.score, 6),
    }


def annotation(form: str, prediction: Prediction, record: dict[str, Any], model: Model) -> str:
    """Return what a recording is, or the events in it, for another program."""
    from audiotl_cli.prediction.annotations import ANNOTATIONS, whole_recording

    whole = record | {"duration_s": prediction.audio_s, "scores": prediction.scores}
    whole.setdefault("segments", whole_recording(whole))
    return ANNOTATIONS[form](whole, model.highest_hz)


class Lines:
    """Writes predictions to stdout one by one, as they come.

    Parameters
    ----------
    form : str
        ``table`` (a plain line), ``jsonl``, ``csv`` or ``rttm``; events as ``audacity``, too.
        Others write nothing.
    model : Model
    segments : bool
        Whether events are told, not recordings.
    """

    def __init__(self, form: str, model: Model, *, segments: bool) -> None:
        self.form = form
        self.model = model
        self.segments = segments
        self._begun = False

    def add(self, prediction: Prediction, record: dict[str, Any]) -> None:
        """Write a recording."""
        from audiotl_cli.prediction.formats import to_csv, to_jsonl

        if self.form == "jsonl":
            output.write(to_jsonl([record], self.model.labels))
        elif self.form == "csv":
            more: dict[str, Any] = {"segments": []} if self.segments else {}
            if self.model.classifier.multi_label:
                more["labels"] = []
            head, _, rows = to_csv([more | record], self.model.labels).partition("\r\n")
            output.write(rows if self._begun else f"{head}\r\n{rows}")
            self._begun = True
        elif prediction.error is None and self.form == "rttm":
            output.write(annotation("rttm", prediction, record, self.model))
        elif prediction.error is None and self.form == "table":
            self._say(prediction)

    def add_event(self, path: str, event: Event) -> None:
        """Write an event of a stream."""
        record: dict[str, Any] = {"path": path, "segments": [event_record(event)], "scores": {}}
        if self.form == "table":
            self._say_event(event)
        elif self.form == "jsonl":
            from audiotl_cli.prediction.formats import to_jsonl

            output.write(to_jsonl([{"path": path} | event_record(event)], self.model.labels))
        elif self.form == "csv":
            from audiotl_cli.prediction.formats import to_csv

            head, _, rows = to_csv([record], self.model.labels).partition("\r\n")
            output.write(rows if self._begun else f"{head}\r\n{rows}")
            self._begun = True
        else:
            from audiotl_cli.prediction.annotations import ANNOTATIONS

            output.write(ANNOTATIONS[self.form](record, self.model.highest_hz))

    def _say(self, prediction: Prediction) -> None:
        if prediction.segments is not None:
            output.line(f"{prediction.path} ({output.duration(prediction.audio_s)})")
            for event in prediction.segments:
                self._say_event(event)
            return
        label = NONE if prediction.rejected else prediction.label
        if prediction.labels is not None:
            label = ", ".join(prediction.labels) or NONE
        output.line(f"{label}  {prediction.score or 0:.2f}  {prediction.path}")

    def _say_event(self, event: Event) -> None:
        bounds = f"{event.start_s:9.2f}  {event.end_s:9.2f}"
        output.line(f"{bounds}  {event.score:.2f}  {event.label}")


def show_table(predictions: Sequence[Prediction], top_k: int) -> None:
    known = [prediction for prediction in predictions if prediction.error is None]
    if not known:
        return
    grid = output.table("label", "score", "then", "recording", numbers=("score",))
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
    for prediction in predictions:
        if prediction.segments is None:
            continue
        output.line(f"{prediction.path} ({output.duration(prediction.audio_s)})")
        if not prediction.segments:
            output.line("  no label is heard")
            continue
        numbers = ("start s", "end s", "score")
        grid = output.table("start s", "end s", "label", "score", numbers=numbers)
        for event in prediction.segments:
            bounds = (f"{event.start_s:.2f}", f"{event.end_s:.2f}")
            grid.add_row(*bounds, output.clean(event.label), f"{event.score:.2f}")
        output.show(grid)
