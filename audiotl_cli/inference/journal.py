"""Predictions on their way into a file: kept as they come, so that a killed run goes on.

Beside ``night.csv``, ``night.csv.part`` holds JSON lines: first what the predictions are made
with, then one a recording, unrounded, with the size and the time of change that the recording had.
The file itself is written at the end, from these: the same whether or not a run was interrupted.
A line that was cut off is a recording that was not done.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audiotl_cli.errors import DataError, StorageError, UsageError
from audiotl_cli.files import open_regular, refuse_link, write_whole
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.journal_lines import ends_within_a_line
from audiotl_cli.json_files import parse_json_object
from audiotl_cli.locks import locked, remove_file
from audiotl_cli.storage.paths import AnyPath

HEAD = "audiotl_predictions"
SYNC_S = 1.0  # a power cut takes no more
MAX_LINE_BYTES = 64 << 20
"""A longer line is none of ours: a recording with a million events takes this."""

State = tuple[int, int, str]
"""Size in bytes, time of the last change in ns, and what a storage calls the version."""


def recording_state(path: AnyPath) -> State | None:
    """Return what changes when a recording does; None if it cannot be asked for."""
    try:
        found = path.stat()
    except (OSError, ValueError, StorageError):
        return None
    return found.st_size, found.st_mtime_ns, str(getattr(found, "tag", ""))


def journal_path(output: Path) -> Path:
    """Return where the journal of a file lies."""
    return output.with_name(f"{output.name}.part")


class Journal:
    """The predictions that are done, in a file that grows.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    made_with : mapping
        JSON values; predictions made with others are not mixed with these.
    overwrite : bool
        Whether a file with others, or of somebody else, may be lost.

    Raises
    ------
    UsageError
        There is such a file.
    TimeoutError
        Another process is predicting into it; it is locked until `close` or `delete`.
    OSError
        It cannot be written.
    """

    def __init__(
        self, path: Path, made_with: Mapping[str, Any], *, overwrite: bool = False
    ) -> None:
        self.path = path
        self.predictions: dict[str, Prediction] = {}
        self._states: dict[str, State] = {}
        head = {HEAD: dict(made_with)}
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(locked(path, wait_s=0))
            if os.path.lexists(path) and not self._read(head, overwrite=overwrite):
                path.unlink()
            if not path.exists():
                write_whole(path, json.dumps(head).encode() + b"\n", sync=False)
            refuse_link(path)
            self._file = stack.enter_context(path.open("ab+", buffering=0))
            if ends_within_a_line(self._file):
                self._file.write(b"\n")
            self._open = stack.pop_all()
        self._synced_at = time.monotonic()

    def is_current(self, path: str, state: State | None) -> bool:
        """Return whether a recording is done, and has not changed since."""
        return state is not None and self._states.get(path) == state

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget all predictions but some; in the file, what comes later counts."""
        for path in set(self.predictions) - set(paths):
            del self.predictions[path]
            self._states.pop(path, None)

    def add(self, prediction: Prediction, state: State | None = None) -> None:
        """Keep a prediction; it has left this process when the call returns."""
        if state is not None:
            self._states[prediction.path] = state
        line = {"recording": self._states.get(prediction.path)} | prediction.to_state()
        self._file.write(json.dumps(line).encode() + b"\n")
        self.predictions[prediction.path] = prediction
        if time.monotonic() - self._synced_at > SYNC_S:
            os.fsync(self._file.fileno())
            self._synced_at = time.monotonic()

    def close(self) -> None:
        """Leave the file for a run to come; if there is nothing in it, remove it."""
        with self._open:
            if not self.predictions:
                remove_file(self.path)

    def delete(self) -> None:
        """Remove the file, now that what is in it is elsewhere."""
        with self._open:
            remove_file(self.path)

    def _read(self, head: Mapping[str, Any], *, overwrite: bool) -> bool:
        """Read what is there; return whether to go on with it."""
        if not self.path.is_file():
            raise UsageError(f"{self.path} is no ordinary file; choose another --output")
        values = list(_values(self.path))
        found = values[0].get(HEAD) if values else None
        if found != head[HEAD]:
            if not overwrite:
                raise UsageError(self._mismatch(found, head[HEAD]))
            return False
        for value in values[1:]:
            try:
                state = value.pop("recording")
                prediction = Prediction.from_state(value)
                self._keep(prediction, state)
            except (
                AttributeError,
                LookupError,
                TypeError,
                ValueError,
            ):  # cut off, or written by a hand
                continue
        return True

    def _keep(self, prediction: Prediction, state: Sequence[Any] | None) -> None:
        if state is not None:
            self._states[prediction.path] = (state[0], state[1], state[2])
        self.predictions[prediction.path] = prediction

    def _mismatch(self, found: object, expected: Mapping[str, Any]) -> str:
        if not isinstance(found, dict):
            return (
                f"{self.path} is where predictions are kept meanwhile, but audiotl did not write "
                "it: move it away, choose another --output, or lose it with --overwrite"
            )
        differ = [
            f"{name} {found.get(name)}, not {value}"
            for name, value in expected.items()
            if found.get(name) != value
        ]
        return (
            f"{self.path} holds predictions of an interrupted run that was made otherwise "
            f"({'; '.join(differ)}): give the same model and options to go on there, choose "
            "another --output, or start again with --overwrite"
        )


def _values(path: Path) -> Iterator[dict[str, Any]]:
    with open_regular(path) as file:
        while line := file.readline(MAX_LINE_BYTES):
            try:
                yield parse_json_object(line, max_bytes=MAX_LINE_BYTES, finite=False)
            except DataError:
                continue
