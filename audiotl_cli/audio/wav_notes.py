"""What recorders write into WAV files beside the sound: GUANO, comments, dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from audiotl_cli.storage.paths import AnyPath, open_file

MAX_CHUNKS, MAX_NOTE = 200, 1 << 16
"""Chunks that are looked at, and bytes that are read of each: notes take a few kilobytes."""

_TEXT = {b"guan", b"bext", b"LIST"}
_BEXT_DATE = slice(320, 338)
"""Where EBU Tech 3285 has ``OriginationDate`` and ``OriginationTime``: 10 and 8 characters."""


@dataclass(frozen=True)
class WavNotes:
    """Notes in a WAV file; empty where it has none.

    Parameters
    ----------
    guano : dict
        Fields of the GUANO chunk (https://guano-md.org) by name.
    comment : str
        ``ICMT`` of the list of information, where AudioMoth says when it recorded.
    created : str
        ``ICRD`` of that list, or the origination of a broadcast WAV: a date, perhaps with a time.
    """

    guano: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    created: str = ""


def read_wav_notes(path: AnyPath) -> WavNotes:
    """Return the notes of a WAV file; none of a file that cannot be read or is no such file."""
    try:
        with open_file(path) as file:
            chunks = list(_notes(file))
    except OSError:
        return WavNotes()
    guano: dict[str, str] = {}
    comment = created = ""
    for name, data in chunks:
        if name == b"guan":
            guano |= _guano(data)
        elif name == b"bext":
            created = _text(data[_BEXT_DATE][:10] + b" " + data[_BEXT_DATE][10:])
        else:
            found = dict(_information(data))
            comment = found.get(b"ICMT", comment)
            created = created or found.get(b"ICRD", "")
    return WavNotes(guano, comment, created)


def _notes(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks that hold text, wherever they lie in the file."""
    if file.read(4) not in (b"RIFF", b"RF64"):
        return
    at = 12
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        n_bytes = int.from_bytes(header[4:], "little")
        if header[:4] in _TEXT:
            yield header[:4], file.read(min(n_bytes, MAX_NOTE))
        at += 8 + n_bytes + n_bytes % 2


def _guano(data: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in _text(data).splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def _information(data: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield the entries of a list called INFO."""
    at = 4 if data[:4] == b"INFO" else len(data)
    while at + 8 <= len(data):
        n_bytes = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], _text(data[at + 8 : at + 8 + n_bytes])
        at += 8 + n_bytes + n_bytes % 2


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace").strip()
