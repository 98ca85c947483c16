"""Write and read messages in the wire format of protocol buffers, which ONNX files have."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_SIZES = {FIXED64: 8, FIXED32: 4}

Field = tuple[int, int, Any]
"""The number of a field, its wire type, and its value: an int, or a memoryview of its bytes."""


def packed(number: int, value: int | float | str | bytes) -> bytes:
    """Return a field: an integer, a float32, or text, bytes or a message with its length."""
    if isinstance(value, float):
        return _varint(number << 3 | FIXED32) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def read_fields(message: bytes | memoryview | int) -> Iterator[Field]:
    """Yield the fields of a message in their order.

    Raises
    ------
    ValueError
        It is a number instead, ends within a field, or has a field of an unknown type.
    """
    if isinstance(message, int):
        raise ValueError("a number stands in place of a message")  # of a damaged file
    view, place = memoryview(message), 0
    while place < len(view):
        key, place = _read_varint(view, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _read_varint(view, place)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, place = _read_varint(view, place)
        elif kind in _SIZES:
            length = _SIZES[kind]
        else:
            raise ValueError(f"a field of the unknown wire type {kind}")
        if length > len(view) - place:
            raise ValueError("a field goes beyond the end of its message")
        yield number, kind, view[place : place + length]
        place += length


def read_integers(kind: int, value: Any) -> list[int]:
    """Return the signed integers of a repeated field, which may be packed into bytes."""
    if kind == VARINT:
        return [_signed(value)]
    found, place = [], 0
    while place < len(value):
        number, place = _read_varint(value, place)
        found.append(_signed(number))
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are in two's complement
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)


def _read_varint(view: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(view):
            raise ValueError("a number goes beyond the end of its message")
        byte = view[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), place
    raise ValueError("a number of more than ten bytes")
