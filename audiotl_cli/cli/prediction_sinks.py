"""Sinks for predictions: stdout, or a file per recording; see `file_sink` for a single file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotl_cli.cli import output
from audiotl_cli.cli.predict_request import PredictRequest
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.inference.formats.base import Writer, WriterOptions
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.written import WrittenFiles

if TYPE_CHECKING:
    from audiotl_cli.inference.prediction import Prediction

Inputs = Sequence["AnyPath | Prediction"]


class Sink:
    """Takes predictions. This base class keeps none, because `--json` shows them all at the end.

    Attributes
    ----------
    on_record : bool
        Whether `add` saves everything known about a recording outside this process.
    """

    on_record = False

    def begin(self) -> None:
        """Begin to write."""

    def remaining(self, inputs: Inputs) -> Inputs:
        """Return the inputs that still need a prediction."""
        return inputs

    def add(self, prediction: Prediction) -> Prediction:
        """Take a prediction; return it, with an error if it could not be written."""
        return prediction

    def amend(self, prediction: Prediction) -> None:
        """Replace a prediction whose recording could not be sorted."""

    def all_of(self, predictions: Sequence[Prediction]) -> Sequence[Prediction]:
        """Return the predictions of this run and of the earlier runs that it continues."""
        return predictions

    def end(self) -> None:
        """Finish writing after the last prediction."""

    def stop(self) -> str:
        """Stop early; return a message about what was saved and how to continue, or nothing."""
        return ""


class StdoutSink(Sink):
    """Writes to stdout, either each prediction at once or all at the end.

    Parameters
    ----------
    writer : Writer
    at_once : bool
        Whether to write each prediction at once, if the format allows.
    """

    def __init__(self, writer: Writer, *, at_once: bool) -> None:
        self.writer = writer
        self.at_once = at_once and writer.streams
        self.on_record = self.at_once and writer.complete
        self._held: dict[int, Prediction] = {}

    def begin(self) -> None:
        """Write the header."""
        self.writer.begin()

    def add(self, prediction: Prediction) -> Prediction:
        """Write a prediction, or hold it."""
        if self.at_once:
            self.writer.add(prediction)
        else:
            self._held[len(self._held)] = prediction
        return prediction

    def amend(self, prediction: Prediction) -> None:
        """Write that a recording was not sorted, or replace its held prediction."""
        from audiotl_cli.inference.prediction import Prediction

        if self.at_once:
            self.writer.add(Prediction(prediction.path, {}, error=prediction.sort_error))
        else:
            self._held[len(self._held) - 1] = prediction

    def end(self) -> None:
        """Write the held predictions and the footer."""
        for prediction in self._held.values():
            self.writer.add(prediction)
        self.writer.end()

    def stop(self) -> str:
        """Write the held predictions, which would otherwise be lost."""
        if self._held or self.at_once:
            self.end()
        return ""


class FolderSink(Sink):
    """Writes one file per recording, at once.

    Parameters
    ----------
    request : PredictRequest
    options : WriterOptions
    targets : mapping
        The output file of each recording.
    made_with : mapping or None
        What predictions depend on; recordings whose file was made with the same are skipped. None
        skips no recording.
    """

    def __init__(
        self,
        request: PredictRequest,
        options: WriterOptions,
        targets: Mapping[AnyPath, Path],
        made_with: Mapping[str, Any] | None,
    ) -> None:
        self.request = request
        self.options = options
        self.made_with = made_with
        self._written = WrittenFiles()
        self._targets = {str(path): target for path, target in targets.items()}
        self._digests: dict[str, str] = {}
        self._n_done = 0

    def remaining(self, inputs: Inputs) -> Inputs:
        """Return the inputs without a current file; fail those with protected files."""
        from audiotl_cli.inference.prediction import Prediction

        remaining: list[AnyPath | Prediction] = []
        for item in inputs:
            if isinstance(item, Prediction):
                remaining.append(item)
                continue
            path, target = str(item), self._targets[str(item)]
            try:
                self._written.claim([target], overwrite=self.request.overwrite)
            except UsageError as error:
                remaining.append(Prediction(path, {}, error=_not_written(error)))
                continue
            except OSError:  # an invalid file name is reported when the recording is read
                remaining.append(item)
                continue
            self._digests[path] = digest = self._digest(item)
            if digest and self._written.is_made_with(target, digest):
                self._n_done += 1
            else:
                remaining.append(item)
        if self._n_done:
            output.note(f"{self._n_done} recordings already have a file made with this model")
        return remaining

    def _digest(self, recording: AnyPath) -> str:
        from audiotl_cli.inference.journal import recording_state

        if self.made_with is None or isinstance(recording, RemotePath):
            return ""
        state = recording_state(recording)
        if state is None:
            return ""
        text = json.dumps([self.made_with, state], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def add(self, prediction: Prediction) -> Prediction:
        """Write the output file of a recording."""
        if prediction.error is not None:
            return prediction
        target = self._targets[prediction.path]
        parts: list[str] = []
        writer = self.request.kind(parts.append, self.options)
        writer.begin()
        writer.add(prediction)
        writer.end()
        data = "".join(parts).encode("utf-8", "surrogateescape")
        try:
            self._written.write(target, data, self._digests.get(prediction.path, ""))
        except UsageError as error:
            return replace(prediction, error=_not_written(error))
        self._n_done += 1
        output.note(f"Written to {target}")
        return prediction

    def stop(self) -> str:
        """Return how many recordings have a file, and what the same command does next."""
        next_run = "continues" if self.made_with is not None else "writes all of them again"
        return f"{self._n_done} recordings have a file; the same command {next_run}"


def _not_written(error: UsageError) -> AudioError:
    return AudioError(str(error), code="exists", stage="write")
