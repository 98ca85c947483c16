"""The process's three streams, whatever they are connected to."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

BROKEN_PIPE = 141
"""Exit code where nobody reads the output: 128 and the number of the signal, as in shells."""


MIN_WIDTH, MAX_WIDTH = 40, 1000
"""Columns; with fewer nothing can be read, and no terminal has more."""


def mend_size() -> None:
    """Take ``COLUMNS`` and ``LINES`` for what they can mean; libraries fail, or print nothing.

    Some terminals and schedulers set them to 0. What is no size is dropped.
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
    """Make the three streams fit to use.

    One that was closed leads nowhere; it also must not leave its number to a file, which
    would then hold what native libraries print. What a stream's encoding has no sign for is
    escaped.
    """
    for name, errors in (
        ("stdin", "surrogateescape"),
        ("stdout", "backslashreplace"),
        ("stderr", "backslashreplace"),
    ):
        stream = getattr(sys, name)
        if stream is None:  # the lowest number that is free is taken: the stream's own
            null = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(null, "r" if name == "stdin" else "w"))
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=errors)


def lead_nowhere(stream: TextIO) -> None:
    """Let what is still to be written to a stream vanish."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
