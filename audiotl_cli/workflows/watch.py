"""Predict the recordings of a folder as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.files import real_path
from audiotl_cli.inference.events import EventOptions
from audiotl_cli.inference.model import Model
from audiotl_cli.inference.prediction import Prediction

State = tuple[int, int]  # size in bytes, time of the last change in ns


class Watcher:
    """Finds recordings that are new, or changed, and no longer being written.

    Parameters
    ----------
    folder : Path
    leave_out : tuple of Path
        Folders below it that are not looked into.
    """

    def __init__(self, folder: Path, leave_out: tuple[Path, ...] = ()) -> None:
        self.folder = folder
        self.leave_out = tuple(real_path(folder) for folder in leave_out)
        self._seen: dict[Path, State] = {}
        self._given: dict[Path, State] = {}

    def look(self) -> list[Path]:
        """Return the recordings that are as they were at the last look and were not returned so.

        What has gone is forgotten.
        """
        states = dict(self._states())
        self._given = {path: state for path, state in self._given.items() if path in states}
        found = [
            path
            for path, state in states.items()
            if self._seen.get(path) == state and self._given.get(path) != state
        ]
        self._given |= {path: states[path] for path in found}
        self._seen = states
        return found

    def _states(self) -> Iterator[tuple[Path, State]]:
        for path in find_recordings(self.folder):
            real = real_path(path)
            if any(real.is_relative_to(folder) for folder in self.leave_out):
                continue
            try:
                state = path.stat()
            except OSError:  # gone meanwhile
                continue
            yield path, (state.st_size, state.st_mtime_ns)


def watch(
    model: Model,
    watcher: Watcher,
    *,
    interval_s: float,
    workers: int | None = None,
    events: EventOptions | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Prediction]:
    """Predict what is in a folder and what comes into it, without end.

    A recording that cannot be used is reported once, and again only when it has changed.

    Parameters
    ----------
    model : Model
    watcher : Watcher
    interval_s : float
        Seconds between looks; a recording that does not change for so long is taken for whole.
    workers, events
        As for `Model.stream`.
    sleep : callable
    """
    watcher.look()
    while True:
        sleep(interval_s)
        if found := watcher.look():
            yield from model.stream(found, workers=workers, events=events)
