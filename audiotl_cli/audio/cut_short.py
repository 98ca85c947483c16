"""Tell sound files that end before the samples their header promises."""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

from audiotl_cli.storage.paths import AnyPath

UNKNOWN_SIZE = 0x7FFF_F000
"""Writers that do not know a length in advance put 0 or a number from here up."""

_FORMS: dict[bytes, tuple[Literal["little", "big"], bytes]] = {
    b"RIFF": ("little", b"data"),
    b"RIFX": ("big", b"data"),
    b"FORM": ("big", b"SSND"),
}


def is_cut_short(path: AnyPath) -> bool:
    """Return whether a WAV or AIFF file is shorter than its header says.

    libsndfile reads what is there of such a file and says nothing. Of other formats it
    refuses the end (FLAC) or knows no length (Ogg), so they are never said to be cut short.

    Parameters
    ----------
    path : Path or RemotePath
        A file that can be opened.
    """
    with path.open("rb") as file:
        form = _FORMS.get(file.read(4))
        if form is None:
            return False
        order, samples = form
        file.seek(12)
        return _samples_end(file, order, samples) > file.seek(0, os.SEEK_END)


def _samples_end(file: BinaryIO, order: Literal["little", "big"], samples: bytes) -> int:
    """Return where the chunk of samples should end; 0 if that is not known."""
    while len(header := file.read(8)) == 8:
        size = int.from_bytes(header[4:], order)
        if header[:4] == samples:
            return file.tell() + size if size < UNKNOWN_SIZE else 0
        file.seek(size + size % 2, os.SEEK_CUR)
    return 0
