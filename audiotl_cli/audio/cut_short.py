"""Detect sound files that end before the samples their header promises."""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

from audiotl_cli.audio.links import MP3_TOLERANCE, OGG_HEADER, is_mp3, links, mp3_end
from audiotl_cli.storage.paths import AnyPath, open_file

UNKNOWN_SIZE = 0x7FFF_F000
"""Writers that do not know the length in advance write 0 or a number from here up."""

_FORMS: dict[bytes, tuple[Literal["little", "big"], bytes]] = {
    b"RIFF": ("little", b"data"),
    b"RIFX": ("big", b"data"),
    b"FORM": ("big", b"SSND"),
}

_TO_THE_END = b"\xff" * 4  # a length that libsndfile takes for: as many as there are

OGG_LONGEST = OGG_HEADER + 255 + 255 * 255
OGG_LAST = 0x04


def is_cut_short(path: AnyPath) -> bool:
    """Return whether a WAV, AIFF, Ogg or MP3 file is shorter than it says.

    libsndfile reads such a file up to its end without an error. WAV and AIFF files state how many
    bytes of samples they hold, the last page of an Ogg file is marked, and the first frame of most
    MP3 files states how many bytes follow.

    Parameters
    ----------
    path : Path or RemotePath
        A file that can be opened.
    """
    with open_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        mark = file.read(4)
        if mark in _FORMS:
            order, samples = _FORMS[mark]
            file.seek(12)
            return _samples_end(file, order, samples) > size
        if mark == b"OggS":
            return _lacks_last_page(file, size)
        if is_mp3(mark):
            return mp3_end(file, links(file)[-1][0]) > size + MP3_TOLERANCE
        return False


def missing_length(file: BinaryIO) -> tuple[int, bytes] | None:
    """Return what the header of a file that was never closed should say, and where; else None.

    Recorders write the length when they close a WAV (or AU) file, which never happens where the
    power fails. The header then says that there are no samples.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = file.read(36)
    if header[:4] == b".snd":
        is_open = header[8:12] == bytes(4) and size > int.from_bytes(header[4:8])
        return (8, _TO_THE_END) if is_open else None
    if header[:4] not in (b"RIFF", b"RIFX", b"RF64"):
        return None
    order: Literal["little", "big"] = "big" if header[:4] == b"RIFX" else "little"
    file.seek(12)
    end = _samples_end(file, order, b"data")
    start = file.tell()
    if header[:4] == b"RF64":
        is_open = header[12:16] == b"ds64" and header[28:36] == bytes(8) and size > start
        return (28, (size - start).to_bytes(8, "little")) if is_open else None
    return (start - 4, _TO_THE_END) if end == start and _holds_no_chunks(file, order) else None


def _holds_no_chunks(file: BinaryIO, order: Literal["little", "big"]) -> bool:
    """Return whether what follows in a WAV file is something else than chunks, up to its end."""
    at, size = file.tell(), os.fstat(file.fileno()).st_size
    while at + 8 <= size:
        file.seek(at)
        header = file.read(8)
        at += 8 + int.from_bytes(header[4:], order)
        if not all(32 <= byte < 127 for byte in header[:4]) or at > size + 1:
            return True
        at += at % 2
    return at < size


def _samples_end(file: BinaryIO, order: Literal["little", "big"], samples: bytes) -> int:
    """Return where the chunk of samples should end; 0 if that is not known."""
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[4:], order)
        if header[:4] == samples:
            return file.tell() + size if size < UNKNOWN_SIZE else 0
        file.seek(size + size % 2, os.SEEK_CUR)
    return 0


def _lacks_last_page(file: BinaryIO, size: int) -> bool:
    """Return whether the last page in the file is incomplete, or not marked as the last."""
    file.seek(max(0, size - OGG_LONGEST))
    end = file.read()
    at = len(end)
    while (at := end.rfind(b"OggS\0", 0, at)) >= 0:
        header = end[at : at + OGG_HEADER]
        if len(header) < OGG_HEADER:
            return True
        sizes = end[at + OGG_HEADER : at + OGG_HEADER + header[26]]
        if len(sizes) < header[26] or at + OGG_HEADER + len(sizes) + sum(sizes) > len(end):
            return True
        return not header[5] & OGG_LAST
    return False
