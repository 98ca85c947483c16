"""Append lines with check sums to a file, and read the undamaged ones back."""

from __future__ import annotations

import contextlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from audiotl_cli.files import open_regular, refuse_link, require_regular
from audiotl_cli.locks import locked

APPEND_WAIT_S = 5.0
"""How long to wait for the lock: appending is quick, and the lines only save work."""

MAX_LINE_BYTES = 1 << 20
"""Longest line that is read; the fingerprint of ten minutes of audio takes a fifth of this."""

MAX_LINES_BYTES = 4 << 30
"""Most bytes that are read from a file, enough for the measurements of a million recordings."""


def read_lines(path: Path) -> Iterator[bytes]:
    """Read the lines that `append_lines` wrote, without truncated or damaged ones.

    Lines of more than `MAX_LINE_BYTES`, and what follows the first `MAX_LINES_BYTES`, are left
    out as well.
    """
    n_bytes = 0
    with contextlib.suppress(OSError), open_regular(path) as file:
        while n_bytes < MAX_LINES_BYTES and (row := file.readline(MAX_LINE_BYTES)):
            n_bytes += len(row)
            check, _, line = row.removesuffix(b"\n").partition(b"\t")
            if check == _check_sum(line):
                yield line


def append_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Append lines, each with a checksum; the folder is created if it does not exist.

    Parameters
    ----------
    path : Path
    lines : iterable of bytes
        Without line breaks.

    Raises
    ------
    TimeoutError
        As `locked`.
    OSError
        The file cannot be written, or is a link or no regular file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_link(path)
    if path.exists():
        require_regular(path.stat(), path)
    data = b"".join(_check_sum(line) + b"\t" + line + b"\n" for line in lines)
    with locked(path, wait_s=APPEND_WAIT_S), path.open("ab+") as file:
        if ends_within_a_line(file):
            data = b"\n" + data
        file.write(data)


def ends_within_a_line(file: io.BufferedRandom | io.FileIO) -> bool:
    """Return whether a file ends in an incomplete line, because a process was killed."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _check_sum(line: bytes) -> bytes:
    return f"{zlib.crc32(line):08x}".encode()
