"""Write predictions to a single file, and continue an interrupted run."""

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
from audiotl_cli.text import counted
from audiotl_cli.written import write_output

if TYPE_CHECKING:
    from audiotl_cli.inference.journal import Journal, State
    from audiotl_cli.inference.prediction import Prediction


class FileSink(Sink):
    """Writes a single file at the end; until then, predictions are kept in a journal beside it.

    Parameters
    ----------
    path : Path
    kind : type of Writer
    options : WriterOptions
    journal : Journal
    name : str or None
        The name of a single input that is not known by its path.
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
        """Return the inputs that are not in the journal or have changed since."""
        from audiotl_cli.inference.prediction import Prediction

        done = self.journal.predictions
        moved = {path for path, prediction in done.items() if _was_moved(prediction)}
        known = set(moved)
        remaining: list[AnyPath | Prediction] = []
        for item in inputs:
            if isinstance(item, Prediction):
                if not _is_emptied(item, moved):
                    self._order.append(item.path)
                    remaining.append(item)
                continue
            path = self._name or str(item)
            self._order.append(path)
            if self._name is None and (path in moved or self._is_done(path, item)):
                known.add(path)
            else:
                remaining.append(item)
        self.journal.keep_only(known)
        if moved:  # moved recordings are no longer found, so they keep the order of the journal
            self._order = list(dict.fromkeys([*done, *self._order]))
        if done:
            output.note(
                f"{len(done)} recordings are already in {self.journal.path}, predicted with "
                "the same model and options"
            )
        return remaining

    def _is_done(self, path: str, recording: AnyPath) -> bool:
        from audiotl_cli.inference.journal import recording_state

        if isinstance(recording, RemotePath) and path not in self.journal.predictions:
            # its state is read when it is predicted, because each request takes time
            self._remote[path] = recording
            return False
        self._states[path] = state = recording_state(recording)
        return self.journal.is_current(path, state)

    def kept(self) -> list[Prediction]:
        """Return the predictions of earlier runs that are still valid."""
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
        """Replace the prediction in the journal."""
        self.add(prediction)

    def all_of(self, predictions: Sequence[Prediction]) -> Sequence[Prediction]:
        """Return the predictions in the order of the inputs."""
        done = self.journal.predictions
        return [done[path] for path in self._order if path in done]

    def end(self) -> None:
        """Write the file, and remove the journal."""
        parts: list[str | bytes] = []
        writer = self.kind(parts.append, self.options)
        writer.begin()
        everything = self.all_of(())
        for prediction in everything:
            writer.add(prediction)
        writer.end()
        content = b"".join(
            part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            for part in parts
        )
        write_output(self.path, content)
        self.journal.delete()
        n_failed = sum(prediction.failure is not None for prediction in everything)
        failed = f", {n_failed} of them failed" if n_failed else ""
        output.note(f"Written to {self.path}: {counted(len(everything), 'recording')}{failed}")

    def stop(self) -> str:
        """Keep the journal for the next run."""
        self.journal.close()
        done = self.journal.predictions
        if not done:
            return ""
        n_failed = sum(prediction.failure is not None for prediction in done.values())
        failed = f" ({n_failed} of them failed)" if n_failed else ""
        return (
            f"{len(done)} of {len(set(self._order))} recordings{failed} are saved in "
            f"{self.journal.path}; the same command continues and then writes {self.path}"
        )


def _was_moved(prediction: Prediction) -> bool:
    """Return whether the recording was moved to its target."""
    target = prediction.sorted_to
    arrived = bool(target) and os.path.exists(str(target))  # noqa: PTH110  (names may be too long)
    return arrived and not os.path.lexists(prediction.path)


def _is_emptied(prediction: Prediction, moved: Iterable[str]) -> bool:
    """Return whether an input has no recordings left because all were moved away."""
    if prediction.error is None or prediction.error.code != "empty":
        return False
    pattern = prediction.path.replace("**/", "*")
    return any(
        Path(path).is_relative_to(prediction.path) or fnmatch(path, pattern) for path in moved
    )
