"""Remembers the measurements of recordings, so that unchanged ones are not decoded again.

One line a clip: the version of measuring, the clip's key, and the measurement or the error, as
JSON. Lines that are damaged, or of another version, are ignored.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from audiotl_cli.audio.measure import VERSION, Measurement
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.journal_lines import append_lines, read_lines
from audiotl_cli.json_files import get, parse_json_object

logger = logging.getLogger(__name__)

Finding = Measurement | AudioError
"""The measurement of a recording, or why it cannot be measured."""

LASTING = ("unreadable", "empty", "cut_short", "not_finite", "bad_rate")
"""Codes of errors that the same bytes always have; a crash or a time-out may be the machine's."""

_ERROR = ("message", "code", "stage")


class MeasuredClips:
    """Measurements by key, in a file.

    Parameters
    ----------
    path : Path
        Made when something is remembered.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = f"{VERSION}/{version('soundfile')}".encode()
        self._known: dict[str, bytes] = {}
        self._new: list[bytes] = []
        for line in read_lines(path):
            made_by, _, rest = line.partition(b"\t")
            key, _, value = rest.partition(b"\t")
            if made_by == self._version:
                self._known[key.decode("utf-8", "replace")] = value

    def keys(self) -> Iterable[str]:
        """Return the keys of all clips that are known."""
        return self._known.keys()

    def get(self, key: str) -> Finding | None:
        """Return the measurement of a clip, or why it has none; None if nothing valid is known."""
        if key not in self._known:
            return None
        try:
            value = parse_json_object(self._known[key])
            if "message" in value:
                message, code, stage = (get(value, name, str) for name in _ERROR)
                return AudioError(message, code=code, stage=stage)
            return Measurement.from_json(value)
        except (DataError, ValueError) as error:
            logger.debug("%s: %s; measured again", self.path, error)
            return None

    def add(self, key: str, measurement: bytes) -> None:
        """Remember a clip's `Measurement.as_json` for later runs."""
        self._new.append(b"\t".join((self._version, key.encode(), measurement)))

    def add_error(self, key: str, error: AudioError) -> None:
        """Remember why a clip cannot be measured, if that will not change."""
        if error.code in LASTING:
            value = {"message": str(error), "code": error.code, "stage": error.stage}
            self.add(key, json.dumps(value).encode("ascii"))

    def save(self) -> None:
        """Append what was added since the last call, if the folder can be written."""
        new, self._new = self._new, []
        if not new:
            return
        try:
            append_lines(self.path, new)
        except TimeoutError as error:  # another run is writing; try again next time
            logger.debug("Measurements are not remembered yet: %s", error)
            self._new += new
        except OSError as error:  # it only spares work
            logger.debug("Measurements are not remembered: %s", error)
