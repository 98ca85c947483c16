"""What a model predicts of one recording, and that as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiotl_cli.data_frames import data_frame, score_columns
from audiotl_cli.errors import AudioError
from audiotl_cli.inference.events import DIGITS, Event

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Prediction:
    """What a model predicts of one recording.

    Parameters
    ----------
    path : str
    scores : dict
        Score of every label, the highest first; empty if the recording cannot be used.
    audio_s : float
        Seconds of audio.
    error : AudioError or None
        Why the recording cannot be used.
    labels : list of str or None
        All labels that are predicted, maybe none; None for a model that predicts one label.
    rejected : bool
        Whether the model takes it for none of its labels; the scores are there all the same.
    note : str
        Why no label is given although there are scores: there is nothing to hear in the
        recording, or nothing that the model can hear; else empty.
    segments : list of Event or None
        Where labels are heard; None where that was not asked for.
    silences : sequence of (float, float)
        Stretches without any sound, seconds; only known where events were asked for.
    sorted_to : str or None
        Where the recording was put, if it was sorted into the folder of its label.
    sort_error : AudioError or None
        Why it could not be put there.
    """

    path: str
    scores: dict[str, float]
    audio_s: float = 0.0
    error: AudioError | None = None
    labels: list[str] | None = None
    rejected: bool = False
    segments: list[Event] | None = None
    note: str = ""
    silences: Sequence[tuple[float, float]] = ()
    sorted_to: str | None = None
    sort_error: AudioError | None = None

    def __repr__(self) -> str:
        if self.error is not None:
            return f"Prediction({self.path!r}, error={str(self.error)!r})"
        score = "" if self.score is None else f", score={self.score:.3g}"
        what = repr(self.labels if self.labels is not None else self.label)
        return f"Prediction({self.path!r}, {what}{score}{f', {self.note}' if self.note else ''})"

    @property
    def label(self) -> str | None:
        """The most likely label; None for none of them."""
        return None if self.rejected or self.note else next(iter(self.scores), None)

    @property
    def score(self) -> float | None:
        """The highest score."""
        return next(iter(self.scores.values()), None)

    @property
    def unheard(self) -> list[tuple[float, float, str]]:
        """The stretches in which there is nothing to hear: start and end in seconds, and why."""
        if self.note:
            return [(0.0, round(self.audio_s, DIGITS), self.note)]
        return [
            (round(start_s, DIGITS), round(end_s, DIGITS), "silent")
            for start_s, end_s in self.silences
        ]

    @property
    def failure(self) -> AudioError | None:
        """What went wrong, with the recording or with putting it where it belongs."""
        return self.error or self.sort_error

    def to_dict(self, top_k: int | None = None) -> dict[str, Any]:
        """Return the prediction as every JSON output has it.

        Parameters
        ----------
        top_k : int or None
            How many scores, the highest first; None is all.
        """
        scores = dict(list(self.scores.items())[:top_k])
        value: dict[str, Any] = {
            "path": self.path,
            "label": self.label,
            "score": None if self.score is None else round(self.score, DIGITS),
            "scores": {label: round(score, DIGITS) for label, score in scores.items()},
        }
        if self.labels is not None:
            value["labels"] = self.labels
        if self.rejected:
            value["rejected"] = True
        if self.note:
            value["note"] = self.note
        if self.segments is not None:
            value["segments"] = [event.to_dict() for event in self.segments]
        if self.silences:
            value["silences"] = [
                {"start_s": round(start_s, DIGITS), "end_s": round(end_s, DIGITS)}
                for start_s, end_s in self.silences
            ]
        if self.sorted_to is not None:
            value["sorted_to"] = self.sorted_to
        if self.failure is not None:
            value["error"] = _error_dict(self.failure)
        return value

    def to_state(self) -> dict[str, Any]:
        """Return everything the prediction holds, unrounded; `from_state` reads it."""
        return {
            "path": self.path,
            "scores": self.scores,
            "audio_s": self.audio_s,
            "error": _error_dict(self.error),
            "labels": self.labels,
            "rejected": self.rejected,
            "segments": None
            if self.segments is None
            else [
                (event.start_s, event.end_s, event.label, event.score) for event in self.segments
            ],
            "note": self.note,
            "silences": [list(bounds) for bounds in self.silences],
            "sorted_to": self.sorted_to,
            "sort_error": _error_dict(self.sort_error),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Prediction:
        """Return the prediction that `to_state` was called on.

        Raises
        ------
        KeyError, TypeError
            The state is not such a one; also if a number in it is not finite.
        """
        segments = state["segments"]
        errors = {name: state[name] for name in ("error", "sort_error")}
        _check(state)
        return cls(
            **{
                **state,
                "segments": None if segments is None else [Event(*values) for values in segments],
                **{
                    name: None
                    if error is None
                    else AudioError(error["message"], code=error["code"], stage=error["stage"])
                    for name, error in errors.items()
                },
            }
        )


class PredictionList(list[Prediction]):
    """Predictions of several recordings: a list, and a table for pandas."""

    def to_frame(self) -> DataFrame:
        """Return a table with a row a recording, or a row an event where these were asked for.

        The scores of labels are in columns called ``score:LABEL``.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        rows: list[dict[str, Any]] = []
        if any(prediction.segments is not None for prediction in self):
            for prediction in self:
                ends = {
                    "path": prediction.path,
                    "note": prediction.note,
                    "error": prediction.failure,
                }
                events = [event.to_dict() for event in prediction.segments or []]
                silent = prediction.error is not None or bool(prediction.note)
                rows += [ends | event for event in events] or [ends] * silent
            return data_frame(rows, ("path", "start_s", "end_s", "label", "score", "note", "error"))
        labels = sorted({label for prediction in self for label in prediction.scores})
        for prediction in self:
            label = prediction.label
            rows.append(
                {
                    "path": prediction.path,
                    "label": label if prediction.labels is None else ";".join(prediction.labels),
                    "score": prediction.score,
                    "note": prediction.note,
                    "error": prediction.failure,
                    **score_columns(labels, prediction.scores),
                }
            )
        columns = ("path", "label", "score", "note", "error")
        return data_frame(rows, (*columns, *(f"score:{label}" for label in labels)))


def _check(state: Mapping[str, Any]) -> None:
    """Raise `TypeError` unless every value is of the type that `to_state` gives it."""
    segments = state["segments"] or []
    texts = [state["path"], state["sorted_to"] or "", *(state["labels"] or []), state["note"]]
    numbers = [state["audio_s"], *state["scores"].values()]
    for start_s, end_s in state["silences"]:
        numbers += [start_s, end_s]
    for start_s, end_s, label, score in segments:
        texts.append(label)
        numbers += [start_s, end_s, score]
    for error in (state["error"], state["sort_error"]):
        texts += [] if error is None else [error["message"], error["code"], error["stage"]]
    if not all(isinstance(text, str) for text in texts) or not isinstance(state["rejected"], bool):
        raise TypeError("a text or a truth value is of another type")
    if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
        raise TypeError("a number is none, or not finite")


def _error_dict(error: AudioError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"stage": error.stage, "code": error.code, "message": str(error)}
