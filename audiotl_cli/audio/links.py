"""Recordings that were joined into one file: the links of a chained Ogg, MP3s end to end.

libsndfile reads only the first of them, and says nothing of the others.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO

MP3_TOLERANCE = 2_048
"""Bytes by which an MP3 may be longer or shorter than its first frame says: more than a frame,
which taggers may drop."""

OGG_HEADER = 27  # bytes, before the sizes of a page's segments
_OGG_FIRST = 0x02

_SEARCHED = 1 << 16
"""Bytes after the end of an MP3 in which the next may begin."""

# kbit/s of MPEG-1 layer 3, and of MPEG-2 and 2.5
_BIT_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_SAMPLE_RATES = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8000),
}


class Slice(io.RawIOBase):
    """A part of a file, as a file that can be read.

    Parameters
    ----------
    file : file that can be read at any position
    start, end : int
        The part.
    patch : tuple of int and bytes, or None
        A position in the part, and what is read there instead.
    """

    def __init__(
        self, file: Any, start: int, end: int, patch: tuple[int, bytes] | None = None
    ) -> None:
        super().__init__()
        self._file, self._start, self._n_bytes, self._at = file, start, end - start, 0
        self._patch = patch or (0, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._n_bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        left = memoryview(buffer)[: max(0, self._n_bytes - self._at)]
        self._file.seek(self._start + self._at)
        n_read = self._file.readinto(left) or 0
        for place, byte in enumerate(self._patch[1], self._patch[0] - self._at):
            if 0 <= place < n_read:
                left[place] = byte
        self._at += n_read
        return n_read


def links(file: BinaryIO) -> list[tuple[int, int]]:
    """Return where each recording in a file begins and ends; a file is usually one of them.

    Parameters
    ----------
    file : file that can be read at any position
        It should be buffered.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    mark = file.read(4)
    starts = [0]
    if mark == b"OggS":
        starts += _ogg_starts(file)
    elif is_mp3(mark):
        starts += _mp3_starts(file, size)
    return list(pairwise([*starts, size]))


def is_mp3(mark: bytes) -> bool:
    """Return whether a file that begins with these bytes may be an MP3."""
    return mark[:3] == b"ID3" or (mark[:1] == b"\xff" and mark[1:2] >= b"\xe0")


def mp3_end(file: BinaryIO, start: int) -> int:
    """Return where the frames of an MP3 should end; 0 if its first frame does not say so."""
    start = _after_tags(file, start)
    file.seek(start)
    frame = file.read(64)
    if len(frame) < 64 or not is_mp3(frame):
        return 0
    is_mpeg_1, is_mono = frame[1] & 0x18 == 0x18, frame[3] & 0xC0 == 0xC0
    at = 4 + ((17 if is_mono else 32) if is_mpeg_1 else (9 if is_mono else 17))
    flags = int.from_bytes(frame[at + 4 : at + 8])
    if frame[at : at + 4] not in (b"Xing", b"Info") or not flags & 2:
        return 0
    at += 12 if flags & 1 else 8  # after the number of frames
    return start + int.from_bytes(frame[at : at + 4])


def _ogg_starts(file: BinaryIO) -> Iterator[int]:
    """Yield where a first page follows others than first pages."""
    at, after_data = 0, False
    while at >= 0:
        file.seek(at)
        header = file.read(OGG_HEADER)
        if header[:4] != b"OggS":
            at = _find(file, b"OggS", at + 1)
            continue
        if len(header) < OGG_HEADER:
            return
        is_first = bool(header[5] & _OGG_FIRST)
        if is_first and after_data:
            yield at
        after_data = not is_first
        at += OGG_HEADER + header[26] + sum(file.read(header[26]))


def _find(file: BinaryIO, mark: bytes, at: int) -> int:
    """Return where a mark begins, from a position on; -1 if nowhere."""
    while True:
        file.seek(at)
        part = file.read(_SEARCHED)
        if (found := part.find(mark)) >= 0:
            return at + found
        if len(part) < _SEARCHED:
            return -1
        at += len(part) - len(mark) + 1


def _mp3_starts(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield where an MP3 follows the end of another."""
    start = 0
    while end := mp3_end(file, start):
        file.seek(start := _after_tags(file, end))
        part = file.read(_SEARCHED)
        found = next((at for at in range(len(part)) if _are_frames(part, at)), None)
        if found is None:
            return
        start += found
        if size - start <= MP3_TOLERANCE and not mp3_end(file, start):
            return
        yield start


def _after_tags(file: BinaryIO, at: int) -> int:
    """Return where the tags that begin at a position end."""
    while True:
        file.seek(at)
        tag = file.read(32)
        if tag[:3] == b"TAG":
            at += 128
        elif tag[:3] == b"ID3" and len(tag) >= 10:
            at += 10 + sum((byte & 0x7F) << 7 * (3 - i) for i, byte in enumerate(tag[6:10]))
        elif tag[:8] == b"APETAGEX" and len(tag) == 32:
            is_header = tag[23] & 0x20  # a tag may consist of a footer alone, behind its items
            at += 32 + (int.from_bytes(tag[12:16], "little") if is_header else 0)
        else:
            return at


def _are_frames(part: bytes, at: int) -> bool:
    """Return whether two frames of layer 3 begin at a position, one after the other."""
    n_bytes = _frame_bytes(part[at : at + 4])
    return n_bytes > 0 and _frame_bytes(part[at + n_bytes : at + n_bytes + 4]) > 0


def _frame_bytes(header: bytes) -> int:
    """Return the length of a frame of layer 3; 0 if this is not the header of one."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version = header[1] >> 3 & 3
    rates = _SAMPLE_RATES.get(version, ())
    bit_rate = _BIT_RATES[version != 3][header[2] >> 4]
    place = header[2] >> 2 & 3
    if not bit_rate or place >= len(rates):
        return 0
    return (144 if version == 3 else 72) * bit_rate * 1000 // rates[place] + (header[2] >> 1 & 1)
