"""What ``audiotl tune`` has tried so far, in a file that an interruption leaves behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.card import library_versions
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.trials import Fold, Right
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.files import read_regular
from audiotl_cli.json_files import parse_json_object
from audiotl_cli.locks import change_file, remove_file

logger = logging.getLogger(__name__)

MAX_NOTES_BYTES = 256 << 20
"""A thousand settings on a hundred thousand clips take half of this."""

SAVE_EVERY_S = 2.0


class TuningNotes:
    """What was tried so far, in a file that an interruption leaves behind.

    Parameters
    ----------
    path : Path
    data : LabelledFeatures
    rows : sequence of int
    folds : sequence of (fit, test)
    candidates : sequence of Setting
        What was tried of anything else, or on other clips, counts for nothing.

    Notes that cannot be read may be somebody else's file: they are left as they are, and nothing
    is noted.
    """

    def __init__(
        self,
        path: Path,
        data: LabelledFeatures,
        rows: Sequence[int],
        folds: Sequence[Fold],
        candidates: Sequence[Setting],
    ) -> None:
        self.path = path
        self._folds = folds
        self._candidates = candidates
        self._of = _digest(
            {
                "clips": [(data.keys[i], data.labels[i]) for i in rows],
                "folds": [list(test) for _, test in folds],
                "extractors": [spec.fingerprint for spec in data.extractors],
                "versions": library_versions(),
            }
        )
        self._names = [_digest(_as_json(setting)) for setting in candidates]
        self._name_of = dict(zip(map(id, candidates), self._names, strict=True))
        self._right = self._read()
        self._saved, self._saved_at = len(self._right), time.monotonic()

    def known(self) -> dict[tuple[int, int], Right]:
        """Return what was tried before, by positions of setting and fold."""
        places = [
            (i, fold, f"{name}:{fold}")
            for i, name in enumerate(self._names)
            for fold in range(len(self._folds))
        ]
        found = {
            (i, fold): tuple(mark == "1" for mark in self._right[place])
            for i, fold, place in places
            if place in self._right
        }
        if found:
            logger.info("%s: %d of %d fits are done already", self.path, len(found), len(places))
        return found

    def add(self, setting: Setting, fold: int, right: Right) -> None:
        """Note a fit, and save the notes now and then."""
        self._right[f"{self._name_of[id(setting)]}:{fold}"] = "".join(
            "01"[is_right] for is_right in right
        )
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            self.save()

    def save(self) -> None:
        """Write what is new to the file."""
        if self._ours and len(self._right) > self._saved:
            change_file(self.path, self._merged, sync=False)
            self._saved = len(self._right)
        self._saved_at = time.monotonic()

    def delete(self) -> None:
        """Remove the file: the model is saved."""
        if self._ours:
            remove_file(self.path)

    def _merged(self, old: bytes | None) -> bytes:
        """Return the notes with those of a run beside this one, of the same clips and settings."""
        if old is not None and not _are_notes(old):  # somebody put another file there
            return old
        right = self._right
        with contextlib.suppress(*_UNUSABLE):
            right = self._parse(old or b"") | right
        return json.dumps({"of": self._of, "right": right}).encode()

    def _read(self) -> dict[str, str]:
        self._ours = False
        try:
            data = read_regular(self.path, MAX_NOTES_BYTES)
            self._ours = _are_notes(data)
            return self._parse(data)
        except FileNotFoundError:
            self._ours = True
            return {}
        except _OtherNotesError:
            logger.info("%s is of other clips, features or versions: starting anew", self.path)
            return {}
        except _UNUSABLE as error:
            logger.warning("%s cannot be used (%s): starting anew", self.path, error)
            return {}

    def _parse(self, data: bytes) -> dict[str, str]:
        content = parse_json_object(data, max_bytes=MAX_NOTES_BYTES)
        if content["of"] != self._of:
            raise _OtherNotesError
        lengths = [len(test) for _, test in self._folds]
        right = {str(place): str(marks) for place, marks in content["right"].items()}
        if any(
            len(marks) != lengths[int(place.rpartition(":")[2])] or set(marks) - {"0", "1"}
            for place, marks in right.items()
        ):
            raise ValueError("marks do not fit the folds")
        return right


def _are_notes(data: bytes) -> bool:
    """Return whether this program wrote a file, of whatever clips and settings."""
    try:
        content = parse_json_object(data, max_bytes=MAX_NOTES_BYTES)
    except DataError:
        return False
    return set(content) == {"of", "right"}


class _OtherNotesError(ValueError):
    """Notes of other clips, features or versions."""


_UNUSABLE = (AttributeError, DataError, LookupError, TypeError, ValueError, OSError)


def _as_json(setting: Setting) -> dict[str, Any]:
    return {**asdict(setting.options), "parts": list(setting.parts)}


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
