"""The file ``store.json``, which says how the features of a store were made; it is not trusted."""

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
"""The fields of `made_from` that are used; imported features may lack some."""


class DamagedStoreError(DataError):
    """The description of a store is damaged."""


@dataclass(frozen=True)
class StoreDescription:
    """The content of ``store.json``.

    Parameters
    ----------
    extractor, fingerprint : str
    dim : int
        Values a frame.
    made_from : dict
        Everything that the fingerprint covers.
    """

    extractor: str
    fingerprint: str
    dim: int
    made_from: dict[str, Any]

    @classmethod
    def of(cls, extractor: str, dim: int, made_from: Mapping[str, Any]) -> StoreDescription:
        """Return the description of a new store."""
        return cls(extractor, fingerprint(made_from), dim, dict(made_from))

    def write(self, folder: AnyPath) -> None:
        """Write ``store.json`` into the folder of a store."""
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
        Values are missing, of another type, out of range, or do not match the fingerprint.
    DataError
        The folder holds no store, or a store of another format.
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
            f"{path} is damaged ({reason}); audiotl extract, with the same settings, repairs it"
        ) from error


class _OtherFormatError(DataError):
    """The description was written by another version of audiotl."""


def _checked(values: Mapping[str, Any]) -> StoreDescription:
    extractor, dim = get(values, "extractor", str), get(values, "dim", int)
    made_from: dict[str, Any] = get(values, "made_from", dict)
    if not (extractor.isprintable() and 0 < len(extractor) <= MAX_NAME):
        raise DataError("'extractor' is not a name")
    if not 0 < dim <= MAX_DIM:
        raise DataError(f"'dim' is {dim}, expected 1 to {MAX_DIM}")
    for name in _TEXTS:
        if name in made_from and not get(made_from, name, str).isprintable():
            raise DataError(f"{name!r} has characters that cannot be printed")
    for name in _COUNTS:
        if name in made_from and not 0 < get(made_from, name, float) < 1e9:
            raise DataError(f"{name!r} is {made_from[name]}, expected a number above 0")
    details = get({"details": {}} | made_from, "details", dict)
    for name, kind in ExtractorConfig.types_of_details().items():
        if name in details:
            get(details, name, kind)
    if fingerprint(made_from) != get(values, "fingerprint", str):
        raise DataError("it does not match its fingerprint")
    return StoreDescription(extractor, values["fingerprint"], dim, made_from)


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Return the fingerprint of features: 12 hexadecimal digits.

    Parameters
    ----------
    made_from : mapping
        Everything that changes a value of the features, as JSON values; the order of keys does
        not matter.
    """
    text = json.dumps(made_from, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def safe_name(text: str) -> str:
    """Return text that can be part of a file name; the name of an extractor may hold a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[-100:]


def folder_name(extractor: str, digest: str) -> str:
    """Return the name of the folder of a store."""
    return f"{safe_name(extractor)}-{digest}"
