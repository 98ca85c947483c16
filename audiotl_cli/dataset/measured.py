"""Remembers what was measured of recordings, so that what did not change is not decoded again.

One line a clip: the version of measuring, the clip's key, and the measurement, or the error, as
JSON. A line that is damaged, or of another version, counts for nothing.
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

Found = Measurement | AudioError
"""What a recording is, or why it cannot be used."""

LASTING = ("unreadable", "empty", "cut_short", "not_finite", "bad_rate")
"""Codes of errors that the same bytes will have again; a crash or a time-out may have been of
the machine."""

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
        """Return the keys of what is known."""
        return self._known.keys()

    def get(self, key: str) -> Found | None:
        """Return what is known of a clip; a line that is no measurement counts for nothing."""
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
        """Remember what `Measurement.as_json` gave of a clip, for later runs."""
        self._new.append(b"\t".join((self._version, key.encode(), measurement)))

    def add_error(self, key: str, error: AudioError) -> None:
        """Remember why a clip cannot be measured, if next time it will be the same."""
        if error.code in LASTING:
            value = {"message": str(error), "code": error.code, "stage": error.stage}
            self.add(key, json.dumps(value).encode("ascii"))

    def save(self) -> None:
        """Append what was learnt since the last call, where the folder can be written."""
        new, self._new = self._new, []
        if not new:
            return
        try:
            append_lines(self.path, new)
        except TimeoutError as error:  # another run is at it; next time, then
            logger.debug("Measurements are not remembered yet: %s", error)
            self._new += new
        except OSError as error:  # it only spares work
            logger.debug("Measurements are not remembered: %s", error)
