"""What a store's features were made with: the file ``store.json``, read as a stranger's."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiotl_cli.errors import DataError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.json_files import get, parse_json_object, read_json_object
from audiotl_cli.storage.paths import AnyPath, write_whole

STORE_FILE = "store.json"
STORE_FORMAT = 1

MAX_DIM = 1 << 24
MAX_NAME = 1000

_TEXTS = ("extractor", "version", "layer", "resampler", "weights_sha256", "weights", "imported")
_COUNTS = ("sample_rate", "window", "hop")
"""What is used of what a fingerprint covers, where it is there."""


class DamagedStoreError(DataError):
    """A store's description is not what was written."""


@dataclass(frozen=True)
class StoreDescription:
    """What ``store.json`` says.

    Parameters
    ----------
    extractor, fingerprint : str
    dim : int
        Values a frame.
    made_from : dict
        What the fingerprint covers.
    """

    extractor: str
    fingerprint: str
    dim: int
    made_from: dict[str, Any]

    @classmethod
    def of(cls, extractor: str, dim: int, made_from: Mapping[str, Any]) -> StoreDescription:
        """Return the description of a store to be made."""
        return cls(extractor, fingerprint(made_from), dim, dict(made_from))

    def write(self, folder: AnyPath) -> None:
        """Write it into a store's folder."""
        about = {
            "format": STORE_FORMAT,
            "extractor": self.extractor,
            "fingerprint": self.fingerprint,
            "dim": self.dim,
            "made_from": self.made_from,
        }
        write_whole(folder / STORE_FILE, (json.dumps(about, indent=2) + "\n").encode())


def read_description(folder: AnyPath) -> StoreDescription:
    """Read the description of a store.

    Raises
    ------
    DamagedStoreError
        It is not what was written: its values are missing, of other types, absurd, or do not
        have the fingerprint it names.
    DataError
        The folder holds no store, or one of another format.
    """
    path = folder / STORE_FILE
    try:
        if isinstance(path, Path):
            values = read_json_object(path)
        else:
            values = parse_json_object(path.read_bytes())
        if (found := get(values, "format", int)) != STORE_FORMAT:
            raise _OtherFormatError(f"{path}: format {found}, expected {STORE_FORMAT}")
        return _checked(values)
    except _OtherFormatError as error:
        raise DataError(str(error)) from None
    except FileNotFoundError as error:
        raise DataError(
            f"{folder} is not a feature store (it has no {STORE_FILE}); "
            "make one with: audiotl extract"
        ) from error
    except (OSError, DataError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DamagedStoreError(
            f"{path} is damaged ({reason}); audiotl extract, with the same settings, mends it"
        ) from error


class _OtherFormatError(DataError):
    """The description is of another version of this program."""


def _checked(values: Mapping[str, Any]) -> StoreDescription:
    extractor, dim = get(values, "extractor", str), get(values, "dim", int)
    made_from: dict[str, Any] = get(values, "made_from", dict)
    if not (extractor.isprintable() and 0 < len(extractor) <= MAX_NAME):
        raise DataError("'extractor' is no name")
    if not 0 < dim <= MAX_DIM:
        raise DataError(f"'dim' is {dim}, expected 1 to {MAX_DIM}")
    for name in _TEXTS:
        if name in made_from and not get(made_from, name, str).isprintable():
            raise DataError(f"{name!r} holds signs that cannot be printed")
    for name in _COUNTS:
        if name in made_from and not 0 < get(made_from, name, float) < 1e9:
            raise DataError(f"{name!r} is {made_from[name]}, expected a number above 0")
    details = get({"details": {}} | made_from, "details", dict)
    for name, kind in ExtractorConfig.types_of_details().items():
        if name in details:
            get(details, name, kind)
    if fingerprint(made_from) != get(values, "fingerprint", str):
        raise DataError("it does not fit its fingerprint")
    return StoreDescription(extractor, values["fingerprint"], dim, made_from)


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits that stand for everything features were made from.

    Parameters
    ----------
    made_from : mapping
        JSON values; the order of keys does not matter.
    """
    text = json.dumps(made_from, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def safe_name(text: str) -> str:
    """Return text fit for a file's name: extractors may be named by a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[-100:]


def folder_name(extractor: str, digest: str) -> str:
    """Return the name of a store's folder."""
    return f"{safe_name(extractor)}-{digest}"
