"""The process that decodes, and does what follows at once: damage in a file, or a fault in a
decoder, ends it alone.

It is started and read by `audiotl_cli.audio.isolated`. On stdin it takes a job a recording: the
length of what follows, and a pickled function and source. On stdout it gives messages: a kind,
the length of what follows, and that.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from audiotl_cli.audio.measure import measure
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import OUT_OF_MEMORY, AudioError, is_out_of_memory

HEADER = struct.Struct("<cI")
READY, BLOCK, DONE, ERROR = b"R", b"B", b"D", b"E"
"""What a block holds is the job's affair, and may be nothing: a sign of life; an error is JSON."""

LENGTH = struct.Struct("<I")

SIGN_S = 1.0
"""Seconds between signs of life that hold nothing."""

AT_ONCE = 1 << 14  # bytes: less is copied behind its header rather than written by itself

Send = Callable[[bytes | memoryview], None]

Job = Callable[[AudioSource, Send], None]
"""What is done with a recording: reads it, sends blocks, and raises `AudioError`."""


def main() -> None:
    """Serve until stdin ends, which it does when the parent dies, however that happens."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # sent to a group, they are for the parent
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not mix with the messages
    import soundfile  # noqa: F401  (before the first recording has to wait for them)
    import soxr  # noqa: F401

    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _send(out, READY)
    while True:
        _serve(requests.get(), out)


def send_samples(source: AudioSource, send: Send, to_rate: int, resampler: str) -> None:
    """Send what `read_blocks_at` gives, float32."""
    for block in read_blocks_at(source, to_rate, resampler):
        send(np.ascontiguousarray(block).data.cast("B"))


def send_measurement(source: AudioSource, send: Send) -> None:
    """Send what `measure` finds, as JSON."""
    told = time.monotonic()

    def tell() -> None:
        nonlocal told
        if time.monotonic() - told > SIGN_S:
            send(b"")
            told = time.monotonic()

    send(measure(source, on_block=tell).as_json())


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    while header := sys.stdin.buffer.read(LENGTH.size):
        requests.put(sys.stdin.buffer.read(*LENGTH.unpack(header)))
    os._exit(0)  # even while a decoder hangs


def _serve(request: bytes, out: int) -> None:
    try:
        job, source = pickle.loads(request)
        job(source, partial(_send, out, BLOCK))
        _send(out, DONE)
    except AudioError as error:
        _send_error(out, error)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:  # one recording must not end the run, whatever it did
        text = OUT_OF_MEMORY if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
        _send_error(out, AudioError(text, code="failed"))


def _send_error(out: int, error: AudioError) -> None:
    text = json.dumps([str(error), error.code, error.stage])  # keeps names that are not UTF-8
    _send(out, ERROR, text.encode("ascii"))


def _send(out: int, kind: bytes, content: bytes | memoryview = b"") -> None:
    header = HEADER.pack(kind, len(content))
    for part in (header + content,) if len(content) < AT_ONCE else (header, content):
        left = memoryview(part)
        while left:
            left = left[os.write(out, left) :]
