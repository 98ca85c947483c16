"""Prepare stdin, stdout and stderr for any kind of file, pipe or terminal."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

BROKEN_PIPE = 141
"""Exit code when the output was closed: 128 plus the number of the signal, as in shells."""


MIN_WIDTH, MAX_WIDTH = 40, 1000
"""Range of usable terminal widths, in columns."""


def mend_size() -> None:
    """Correct ``COLUMNS`` and ``LINES``: invalid sizes make libraries fail or print nothing.

    Some terminals and schedulers set them to 0. Invalid values are removed.
    """
    for name, lowest in (("COLUMNS", MIN_WIDTH), ("LINES", 2)):
        text = os.environ.get(name)
        if text is None:
            continue
        size = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        if size:
            os.environ[name] = str(min(max(size, lowest), MAX_WIDTH))
        else:
            del os.environ[name]


def open_streams() -> None:
    """Make the three streams usable.

    A closed stream is connected to the null device, so that no other file gets its descriptor and
    receives the output of native libraries. Characters that a stream cannot encode are escaped.
    """
    for name, errors in (
        ("stdin", "surrogateescape"),
        ("stdout", "backslashreplace"),
        ("stderr", "backslashreplace"),
    ):
        stream = getattr(sys, name)
        if stream is None:  # open() takes the lowest free descriptor, which is the stream's own
            null = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(null, "r" if name == "stdin" else "w"))
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=errors)


def lead_nowhere(stream: TextIO) -> None:
    """Redirect a stream to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
