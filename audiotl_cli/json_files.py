"""Read untrusted JSON files: limit size and depth, and check every value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from audiotl_cli.errors import DataError
from audiotl_cli.files import open_regular

MAX_BYTES = 1 << 20
"""Largest size of a file; descriptions and notes take a few kilobytes."""

MAX_DEPTH = 32

Value = TypeVar("Value")


def read_json_object(
    path: Path, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, finite: bool = True
) -> dict[str, Any]:
    """Return the object in a JSON file.

    Parameters
    ----------
    path : Path
        A regular file, or a link to one.
    max_bytes, max_depth : int
        Largest size of the file and depth of nesting.
    finite : bool
        Whether to refuse numbers that are not finite.

    Raises
    ------
    DataError
        The file is not a JSON object, too large or too deeply nested.
    OSError
        It cannot be read, or is no regular file.
    """
    with open_regular(path, follow=True) as file:
        data = file.read(max_bytes + 1)
    return parse_json_object(data, max_bytes=max_bytes, max_depth=max_depth, finite=finite)


def parse_json_object(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, finite: bool = True
) -> dict[str, Any]:
    """Return the object in JSON text; see `read_json_object`."""
    if len(data) > max_bytes:
        raise DataError(f"it has more than {max_bytes} bytes")
    try:
        value = json.loads(data)
    except RecursionError:
        raise DataError(f"it is nested more than {max_depth} levels deep") from None
    except ValueError as error:  # also numbers of thousands of digits, and bytes that are no text
        raise DataError(f"it is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise DataError(f"it holds {_kind(value)}, expected a JSON object")
    check_values(value, max_depth, finite=finite)
    return value


def get(values: Mapping[str, Any], name: str, kind: type[Value]) -> Value:
    """Return a required value of an object, which must have the given type.

    ``float`` takes integers as well; ``int`` does not take ``true`` and ``false``.

    Raises
    ------
    DataError
        The value is missing or has another type.
    """
    if name not in values:
        raise DataError(f"{name!r} is missing")
    value = values[name]
    if kind is float and type(value) is int and abs(value) < 1 << 53:
        value = float(value)
    if type(value) is not kind:
        raise DataError(f"{name!r} is {_kind(value)}, expected {_KINDS[kind]}")
    return value


_KINDS: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")


def check_values(value: object, max_depth: int = MAX_DEPTH, *, finite: bool = True) -> None:
    """Refuse values nested too deeply, and text and numbers that JSON cannot represent.

    Raises
    ------
    DataError
        Says what was found.
    """
    level = [value]
    for _ in range(max_depth):
        if not level:
            return
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                _check_text(item)
            elif finite and isinstance(item, float) and not math.isfinite(item):
                raise DataError(f"it holds {item}, which is not a finite number")
        level = below
    raise DataError(f"it is nested more than {max_depth} levels deep")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"it holds {text[:50]!a}, which is not valid text") from None
