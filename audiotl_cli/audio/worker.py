"""The process that decodes, and resamples or measures: damage in a file, or a fault in a
decoder, ends it alone.

It is started and read by `audiotl_cli.audio.isolated`. On stdin it takes a line of JSON a
recording; on stdout it gives messages: a kind, the length of what follows, and that.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.audio.measure import measure
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import AudioError

HEADER = struct.Struct("<cI")
READY, BLOCK, DONE, ERROR = b"R", b"B", b"D", b"E"
"""A block holds float32 samples, or JSON in parts, of which some are empty; an error is JSON."""


def main() -> None:
    """Serve until stdin ends, which it does when the parent dies, however that happens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not mix with the messages
    import soundfile  # noqa: F401  (before the first recording has to wait for them)
    import soxr  # noqa: F401

    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _send(out, READY)
    while True:
        _serve(json.loads(requests.get()), out)


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)  # even while a decoder hangs


def _serve(request: list[Any], out: int) -> None:
    path, start_s, end_s, *resampling = request
    try:
        source = AudioSource(Path(path), start_s, end_s)
        if resampling:
            for block in read_blocks_at(source, *resampling):
                _send(out, BLOCK, np.ascontiguousarray(block).data.cast("B"))
        else:
            found = measure(source, on_block=lambda: _send(out, BLOCK))  # signs of life
            _send(out, BLOCK, json.dumps(found.as_json()).encode("ascii"))
        _send(out, DONE)
    except AudioError as error:
        _send_error(out, error)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:  # one recording must not end the run, whatever it did
        _send_error(out, AudioError(f"{type(error).__name__}: {error}", code="failed"))


def _send_error(out: int, error: AudioError) -> None:
    text = json.dumps([str(error), error.code, error.stage])  # keeps names that are not UTF-8
    _send(out, ERROR, text.encode("ascii"))


def _send(out: int, kind: bytes, content: bytes | memoryview = b"") -> None:
    with os.fdopen(out, "wb", buffering=0, closefd=False) as file:
        for part in (HEADER.pack(kind, len(content)), content):
            left = memoryview(part)
            while left:
                left = left[file.write(left) :]
