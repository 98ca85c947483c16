"""Predictions that go into one file, and how an interrupted run goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from audiotl_cli.cli import output
from audiotl_cli.cli.prediction_sinks import Inputs, Sink
from audiotl_cli.inference.formats.base import Writer, WriterOptions
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.written import write_output

if TYPE_CHECKING:
    from audiotl_cli.inference.journal import Journal, State
    from audiotl_cli.inference.prediction import Prediction


class FileSink(Sink):
    """Writes one file at the end; until then predictions are kept in a journal beside it.

    Parameters
    ----------
    path : Path
    kind : type of Writer
    options : WriterOptions
    journal : Journal
    name : str or None
        What the only input is called, if not by its path.
    """

    on_record = True

    def __init__(
        self,
        path: Path,
        kind: type[Writer],
        options: WriterOptions,
        journal: Journal,
        name: str | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self.options = options
        self.journal = journal
        self._name = name
        self._order: list[str] = []
        self._states: dict[str, State | None] = {}
        self._remote: dict[str, RemotePath] = {}

    def remaining(self, inputs: Inputs) -> Inputs:
        """Return what is not in the journal, or has changed since."""
        from audiotl_cli.inference.prediction import Prediction

        done = self.journal.predictions
        moved = {path for path, one in done.items() if _was_moved(one)}
        known = set(moved)
        remaining: list[AnyPath | Prediction] = []
        for one in inputs:
            if isinstance(one, Prediction):
                if not _is_emptied(one, moved):
                    self._order.append(one.path)
                    remaining.append(one)
                continue
            path = self._name or str(one)
            self._order.append(path)
            if self._name is None and (path in moved or self._is_done(path, one)):
                known.add(path)
            else:
                remaining.append(one)
        self.journal.keep_only(known)
        if moved:  # they are in no folder any more, and come in the order they were predicted in
            self._order = list(dict.fromkeys([*done, *self._order]))
        if done:
            output.note(
                f"{len(done)} recordings are in {self.journal.path} already, made with the "
                "same model and options"
            )
        return remaining

    def _is_done(self, path: str, recording: AnyPath) -> bool:
        from audiotl_cli.inference.journal import recording_state

        if isinstance(recording, RemotePath) and path not in self.journal.predictions:
            self._remote[path] = recording  # asked when it is predicted: every answer takes time
            return False
        self._states[path] = state = recording_state(recording)
        return self.journal.is_current(path, state)

    def kept(self) -> list[Prediction]:
        """Return the predictions of runs before that count."""
        return list(self.journal.predictions.values())

    def add(self, prediction: Prediction) -> Prediction:
        """Keep a prediction in the journal."""
        from audiotl_cli.inference.journal import recording_state

        path = prediction.path
        if path in self._remote:
            self._states[path] = recording_state(self._remote.pop(path))
        self.journal.add(prediction, self._states.get(path))
        return prediction

    def amend(self, prediction: Prediction) -> None:
        """Keep it in place of the one before."""
        self.add(prediction)

    def all_of(self, predictions: Sequence[Prediction]) -> Sequence[Prediction]:
        """Return them in the order of the inputs."""
        done = self.journal.predictions
        return [done[path] for path in self._order if path in done]

    def end(self) -> None:
        """Write the file, and remove the journal."""
        parts: list[str] = []
        writer = self.kind(parts.append, self.options)
        writer.begin()
        everything = self.all_of(())
        for prediction in everything:
            writer.add(prediction)
        writer.end()
        write_output(self.path, "".join(parts).encode("utf-8", "surrogateescape"))
        self.journal.delete()
        n_failed = sum(one.failure is not None for one in everything)
        failed = f", {n_failed} of them failed" if n_failed else ""
        output.note(f"Written to {self.path}: {len(everything)} recordings{failed}")

    def stop(self) -> str:
        """Leave the journal for a run to come."""
        self.journal.close()
        done = self.journal.predictions
        if not done:
            return ""
        n_failed = sum(one.failure is not None for one in done.values())
        failed = f" ({n_failed} of them failed)" if n_failed else ""
        return (
            f"{len(done)} of {len(set(self._order))} recordings{failed} are in "
            f"{self.journal.path}, and nothing is in {self.path} yet; the same command goes on"
        )


def _was_moved(prediction: Prediction) -> bool:
    """Return whether the recording is where it was to be put, and no longer where it was."""
    target = prediction.sorted_to
    return bool(target) and os.path.exists(str(target)) and not os.path.lexists(prediction.path)  # noqa: PTH110


def _is_emptied(prediction: Prediction, moved: Iterable[str]) -> bool:
    """Return whether an input holds no recordings because all of them were moved away."""
    if prediction.error is None or prediction.error.code != "empty":
        return False
    pattern = prediction.path.replace("**/", "*")
    return any(
        Path(path).is_relative_to(prediction.path) or fnmatch(path, pattern) for path in moved
    )
