"""The process that decodes: a damaged file or a fault in a decoder ends only this process.

It is started and read by `audiotl_cli.audio.isolated`. On stdin it takes a job for each recording:
a length, and a pickled function and source of that length. On stdout it sends messages: a kind, a
length, and content of that length.
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
"""Kinds of messages. The content of a block depends on the job; an empty block only shows that the
job is still running. The content of an error is JSON."""

LENGTH = struct.Struct("<I")

SIGN_S = 1.0
"""Seconds between empty blocks."""

AT_ONCE = 1 << 14  # bytes; shorter content is written together with its header

Send = Callable[[bytes | memoryview], None]

Job = Callable[[AudioSource, Send], None]
"""Reads a recording, sends blocks, and raises `AudioError`."""


def main() -> None:
    """Serve until stdin ends, which happens whenever the parent ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the parent handles signals to the group
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = os.dup(1)
    os.dup2(2, 1)  # keep the output of libraries out of the messages
    import soundfile  # noqa: F401  (so that the first recording does not wait)
    import soxr  # noqa: F401

    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _send(out, READY)
    while True:
        _serve(requests.get(), out)


def send_samples(source: AudioSource, send: Send, to_rate: int, resampler: str) -> None:
    """Send the samples of `read_blocks_at`, float32."""
    for block in read_blocks_at(source, to_rate, resampler):
        send(np.ascontiguousarray(block).data.cast("B"))


def send_measurement(source: AudioSource, send: Send) -> None:
    """Send the result of `measure` as JSON."""
    last_sent = time.monotonic()

    def show_progress() -> None:
        nonlocal last_sent
        if time.monotonic() - last_sent > SIGN_S:
            send(b"")
            last_sent = time.monotonic()

    send(measure(source, on_block=show_progress).as_json())


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
    except Exception as error:  # no recording may end the run
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
