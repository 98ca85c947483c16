"""The process that decodes: a damaged file or a fault in a decoder ends only this process.

It is started and read by `audiotl_cli.audio.isolated`. Both ends of its stdin and stdout are
connections of `multiprocessing`. On stdin it takes a job for each recording: a pickled function and
source. On stdout it sends messages: a JSON list that begins with a kind, and after that of a block
the bytes of the block. Nothing that it sends is unpickled.
"""

from __future__ import annotations

import json
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from audiotl_cli.audio.decode import probe
from audiotl_cli.audio.levels import LevelMeter
from audiotl_cli.audio.measure import measure
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import OUT_OF_MEMORY, AudioError, is_out_of_memory

READY, BLOCK, DONE, ERROR = "ready", "block", "done", "error"
"""Kinds of messages. The content of a block depends on the job; an empty block only shows that the
job is still running."""

SIGN_S = 1.0
"""Seconds between empty blocks."""

Send = Callable[..., None]
"""Sends a block: bytes, and numbers that describe them."""

Job = Callable[[AudioSource, Send], None]
"""Reads a recording, sends blocks, and raises `AudioError`."""


def main() -> None:
    """Serve until stdin ends, which happens whenever the parent ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the parent handles signals to the group
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # keep the output of libraries out of the messages
    import soundfile  # noqa: F401  (so that the first recording does not wait)
    import soxr  # noqa: F401

    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _send(out, READY)
    while True:
        _serve(requests.get(), out)


def send_samples(
    source: AudioSource, send: Send, to_rate: int, resampler: str, *, measured: bool = False
) -> None:
    """Send the samples of `read_blocks_at`, float32; if `measured`, then a block of levels.

    Levels have a number beside them, samples do not.
    """
    meter = LevelMeter(to_rate) if measured else None
    for block in read_blocks_at(source, to_rate, resampler, meter):
        send(np.ascontiguousarray(block).data.cast("B"))
    if meter is not None:
        send(meter.levels().to_bytes(), 1)


def send_measurement(source: AudioSource, send: Send) -> None:
    """Send the result of `measure` as JSON."""
    last_sent = time.monotonic()

    def show_progress() -> None:
        nonlocal last_sent
        if time.monotonic() - last_sent > SIGN_S:
            send(b"")
            last_sent = time.monotonic()

    send(measure(source, on_block=show_progress).as_json())


def send_duration(source: AudioSource, send: Send) -> None:
    """Send the seconds of audio that the header of a recording promises, as text; or ``nan``."""
    send(repr(probe(source.path).duration_s).encode())


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    parent = Connection(sys.stdin.fileno(), writable=False)
    try:
        while True:
            requests.put(parent.recv_bytes())
    finally:
        os._exit(0)  # even while a decoder hangs


def _serve(request: bytes, out: Connection[Any, Any]) -> None:
    try:
        job, source = pickle.loads(request)
        job(source, partial(_send_block, out))
        _send(out, DONE)
    except AudioError as error:
        _send_error(out, error)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:  # no recording may end the run
        text = OUT_OF_MEMORY if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
        _send_error(out, AudioError(text, code="failed"))


def _send_error(out: Connection[Any, Any], error: AudioError) -> None:
    _send(out, ERROR, str(error), error.code, error.stage)


def _send_block(out: Connection[Any, Any], content: bytes | memoryview, *facts: int) -> None:
    _send(out, BLOCK, *facts)
    out.send_bytes(content)


def _send(out: Connection[Any, Any], kind: str, *facts: str | int) -> None:
    out.send_bytes(json.dumps([kind, *facts]).encode("ascii"))  # keeps names that are not UTF-8
