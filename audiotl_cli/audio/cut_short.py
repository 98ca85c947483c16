"""Detect sound files that end before the samples their header promises."""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

from audiotl_cli.storage.paths import AnyPath, open_file

UNKNOWN_SIZE = 0x7FFF_F000
"""Writers that do not know the length in advance write 0 or a number from here up."""

_FORMS: dict[bytes, tuple[Literal["little", "big"], bytes]] = {
    b"RIFF": ("little", b"data"),
    b"RIFX": ("big", b"data"),
    b"FORM": ("big", b"SSND"),
}

OGG_HEADER = 27  # bytes, before the sizes of a page's segments
OGG_LONGEST = OGG_HEADER + 255 + 255 * 255
OGG_LAST = 0x04

MP3_TOLERANCE = 2_048
"""Bytes that may be missing from an MP3: more than a frame, which taggers may drop."""


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
        if mark[:3] == b"ID3" or (mark[:1] == b"\xff" and mark[1:2] >= b"\xe0"):
            return _mp3_end(file) > size + MP3_TOLERANCE
        return False


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


def _mp3_end(file: BinaryIO) -> int:
    """Return where the frames should end; 0 if that is not known."""
    file.seek(0)
    tag = file.read(10)
    start = 0
    if tag[:3] == b"ID3" and len(tag) == 10:
        start = 10 + sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(tag[6:10]))
    file.seek(start)
    frame = file.read(64)
    if len(frame) < 64 or frame[0] != 0xFF or frame[1] < 0xE0:
        return 0
    is_mpeg_1, is_mono = frame[1] & 0x18 == 0x18, frame[3] & 0xC0 == 0xC0
    at = 4 + ((17 if is_mono else 32) if is_mpeg_1 else (9 if is_mono else 17))
    flags = int.from_bytes(frame[at + 4 : at + 8])
    if frame[at : at + 4] not in (b"Xing", b"Info") or not flags & 2:
        return 0
    at += 12 if flags & 1 else 8  # after the number of frames
    return start + int.from_bytes(frame[at : at + 4])
