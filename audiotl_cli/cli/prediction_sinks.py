"""Where predictions go as they come: stdout, or a file each; one file for all: `file_sink`."""

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
    """Takes predictions; this one keeps nothing, for `--json` and the like show them at the end.

    Attributes
    ----------
    on_record : bool
        Whether `add` leaves all that is known of a recording outside of this process.
    """

    on_record = False

    def begin(self) -> None:
        """Begin to write."""

    def remaining(self, inputs: Inputs) -> Inputs:
        """Return the inputs that are still to be predicted."""
        return inputs

    def add(self, prediction: Prediction) -> Prediction:
        """Take a prediction; return it as it then is: writing it may have failed."""
        return prediction

    def amend(self, prediction: Prediction) -> None:
        """Take a prediction again whose recording could not be put where it belongs."""

    def all_of(self, predictions: Sequence[Prediction]) -> Sequence[Prediction]:
        """Return the predictions of this run, and those of runs before that it went on with."""
        return predictions

    def end(self) -> None:
        """Finish writing: all predictions have come."""

    def stop(self) -> str:
        """Leave everything as far as it is; return what is there and how to go on, if at all."""
        return ""


class StdoutSink(Sink):
    """Writes to stdout, as predictions come or at the end.

    Parameters
    ----------
    writer : Writer
    at_once : bool
        Whether to write each when it comes, as far as the format can.
    """

    def __init__(self, writer: Writer, *, at_once: bool) -> None:
        self.writer = writer
        self.at_once = at_once and writer.streams
        self.on_record = self.at_once and writer.complete
        self._held: dict[int, Prediction] = {}

    def begin(self) -> None:
        """Write what comes before all predictions."""
        self.writer.begin()

    def add(self, prediction: Prediction) -> Prediction:
        """Write a prediction, or hold it."""
        if self.at_once:
            self.writer.add(prediction)
        else:
            self._held[len(self._held)] = prediction
        return prediction

    def amend(self, prediction: Prediction) -> None:
        """Write that a recording stayed where it is, or put it into what is held."""
        from audiotl_cli.inference.prediction import Prediction

        if self.at_once:
            self.writer.add(Prediction(prediction.path, {}, error=prediction.sort_error))
        else:
            self._held[len(self._held) - 1] = prediction

    def end(self) -> None:
        """Write what is held, and what comes after all predictions."""
        for prediction in self._held.values():
            self.writer.add(prediction)
        self.writer.end()

    def stop(self) -> str:
        """Write what is held: it is all there is of these recordings."""
        if self._held or self.at_once:
            self.end()
        return ""


class FolderSink(Sink):
    """Writes a file a recording, when it comes.

    Parameters
    ----------
    request : PredictRequest
    options : WriterOptions
    targets : mapping
        The file of each recording.
    made_with : mapping or None
        What predictions depend on; recordings whose file was made with the same are passed over.
        None passes none over.
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
        """Return what has no file yet; what must not have one fails."""
        from audiotl_cli.inference.prediction import Prediction

        remaining: list[AnyPath | Prediction] = []
        for one in inputs:
            if isinstance(one, Prediction):
                remaining.append(one)
                continue
            path, target = str(one), self._targets[str(one)]
            try:
                self._written.claim([target], overwrite=self.request.overwrite)
            except UsageError as error:
                remaining.append(Prediction(path, {}, error=_not_written(error)))
                continue
            except OSError:  # a name that no file can have fails where it is read
                remaining.append(one)
                continue
            self._digests[path] = digest = self._digest(one)
            if digest and self._written.is_made_with(target, digest):
                self._n_done += 1
            else:
                remaining.append(one)
        if self._n_done:
            output.note(f"{self._n_done} recordings have their file already, made with this model")
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
        """Write the file of a recording."""
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
        """Say how many files there are."""
        goes_on = "goes on there" if self.made_with is not None else "makes them again"
        return f"{self._n_done} recordings have their file; the same command {goes_on}"


def _not_written(error: UsageError) -> AudioError:
    return AudioError(str(error), code="exists", stage="write")
