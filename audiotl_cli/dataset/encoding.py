"""Which encoding a table is saved in: UTF-8, UTF-16, or the one of Western European Windows."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import BinaryIO

from audiotl_cli.errors import DataError

WINDOWS = "cp1252"

_FIRST, _BLOCK = 4096, 1 << 20  # bytes
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

_FOREIGN = re.compile(
    rb"[\x80-\xff]{4}"  # no Western word: Cyrillic, Greek, Chinese, Japanese
    rb"|[\x81\x8d\x8f\x90\x9d]"  # no character
    rb"|(?<=[A-Za-z])[\x80-\x8b\x93-\x95\x98\x99\x9b\x9f](?=[A-Za-z])"  # of DOS or an old Mac
    rb"|(?<=[a-z])[\x8a\x8e](?=[a-z])"
)
"""Bytes that show that a text is not in Windows-1252."""


@dataclass(frozen=True)
class _Place:
    line: int
    byte: int
    value: int

    def __str__(self) -> str:
        return f"line {self.line}, byte {self.byte} (0x{self.value:02X})"


def find_encoding(file: BinaryIO, name: object, max_line: int) -> str:
    """Return the codec of a table; text that is neither UTF-8 nor UTF-16 is taken for `WINDOWS`.

    Parameters
    ----------
    file : binary file
        At its beginning; is left there.
    name : object
        Of the file, for messages.
    max_line : int
        Bytes; the search ends at a line that is longer.

    Raises
    ------
    DataError
        It is in no such encoding, or in two of them; says at which line and byte.
    """
    first = file.read(_FIRST)
    file.seek(0)
    for mark, codec in _BOMS.items():
        if first.startswith(mark):
            if codec == "utf-16":
                return codec
            break
    else:
        if codec := _utf_16(first):
            return codec
    if _is_utf_8(file):
        file.seek(0)
        return "utf-8-sig"
    file.seek(0)
    utf_8, other, foreign = _places(file, max_line)
    file.seek(0)
    if utf_8 is not None:
        raise DataError(
            f"{name}, {other} is not UTF-8, but line {utf_8} is: two encodings are mixed. Save the "
            "whole table as UTF-8"
        )
    if foreign is not None:
        raise DataError(
            f"{name}, {foreign} is neither UTF-8 nor Windows-1252 (Western European). Save the "
            "table as UTF-8"
        )
    return WINDOWS


def _utf_16(first: bytes) -> str:
    """Return the codec of UTF-16 without a mark: every other byte of Latin text is zero."""
    even, odd = first[::2], first[1::2]
    share = 0.4 * max(len(odd), 1)
    if odd.count(0) > share and not even.count(0):
        return "utf-16-le"
    if even.count(0) > share and not odd.count(0):
        return "utf-16-be"
    return ""


def _is_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(_BLOCK):
            decoder.decode(block)
            if b"\0" in block:  # no text, as its reader will find
                return True
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _places(file: BinaryIO, max_line: int) -> tuple[int | None, _Place | None, _Place | None]:
    """Find UTF-8 and other text.

    Returns
    -------
    utf_8 : int or None
        The first line of UTF-8 that is not ASCII.
    other, foreign : _Place or None
        The first place that is not UTF-8, and the first that is not `WINDOWS` either.
    """
    utf_8: int | None = None
    other: _Place | None = None
    foreign: _Place | None = None
    number = 0
    while line := file.readline(max_line + 1):
        number += 1
        if len(line) > max_line:
            break
        if line.isascii() or (number == 1 and line.removeprefix(codecs.BOM_UTF8).isascii()):
            continue
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            other = other or _Place(number, error.start + 1, line[error.start])
            if (found := _FOREIGN.search(line)) and foreign is None:
                foreign = _Place(number, found.start() + 1, line[found.start()])
        else:
            utf_8 = utf_8 or number
    return utf_8, other, foreign
