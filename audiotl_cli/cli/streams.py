"""The process's three streams, whatever they are connected to."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

BROKEN_PIPE = 141
"""Exit code where nobody reads the output: 128 and the number of the signal, as in shells."""


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
