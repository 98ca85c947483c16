"""Decode in processes of their own, so that a decoder's fault costs one recording.

libsndfile reads untrusted files; a damaged one may crash it or send it round in circles.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Self

import numpy as np

from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.audio.worker import BLOCK, DONE, ERROR, HEADER, RATE
from audiotl_cli.errors import AudioError, AudiotlError

logger = logging.getLogger(__name__)

TIMEOUT_S = 60.0
"""A decoder that gives nothing for so long hangs; large files are given longer:"""

SLOWEST_READ = 4e6
"""Bytes a second. Seeking may have to read a whole file, and the slowest disks are far away."""

PIPE_BYTES = 1 << 20  # a whole block fits, so that a decoder works ahead

CODE = """\
import sys
sys.path[:] = {path!r}
from audiotl_cli.audio.worker import main
main()
"""


class DecoderDiedError(Exception):
    """The process ended, or was ended, before it had given everything."""


class Decoders:
    """Decoding processes, one for every thread that reads; use it in a ``with`` statement.

    Parameters
    ----------
    n_started : int
        Processes to start at once; more are started as threads ask for them.
    timeout_s : float or None
        Seconds without a sign of life after which a process is ended; None is `TIMEOUT_S`.
    """

    def __init__(self, n_started: int = 0, *, timeout_s: float | None = None) -> None:
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._all: set[_Process] = set()
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._end_hanging, name="decoders", daemon=True)
        for _ in range(n_started):
            self._idle.put(self._start())
        self._watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._watch.join()
        for process in list(self._all):
            self._end(process)

    def stop(self) -> None:
        """End all processes now; threads that read from them get errors, and soon."""
        with self._lock:
            self._stopped.set()
            for process in self._all:
                process.kill()

    def read_blocks(self, source: AudioSource) -> Generator[tuple[Waveform, int]]:
        """Decode a source as `decode.read_blocks` does, in another process.

        Raises
        ------
        AudioError
            As there; also ``crashed`` where the decoder crashed, and ``timeout`` where it
            gave nothing for too long.
        AudiotlError
            No process can be started.
        """
        n_given = 0
        while True:
            with self._lend() as process:
                fresh = process.n_served == 0
                try:
                    for n_done, block in enumerate(process.read(source, self._patience(source))):
                        if n_done >= n_given:
                            n_given += 1
                            yield block
                    return
                except DecoderDiedError as error:
                    if self._stopped.is_set():
                        raise _stopped() from error
                    if not process.ready:
                        raise AudiotlError(
                            f"the process to decode with does not start ({process.last_words()})"
                        ) from error
                    if process.hung:
                        raise AudioError(
                            f"keeps its decoder busy without end: nothing came for "
                            f"{self._patience(source):.0f} s",
                            code="timeout",
                        ) from error
                    if fresh:
                        logger.debug("%s: last words: %s", source.path, process.last_words())
                        raise AudioError(
                            f"crashes its decoder ({process.end_reason()})", code="crashed"
                        ) from error
            # a recording before this one may have hurt that process: a fresh one will tell

    def _patience(self, source: AudioSource) -> float:
        try:
            return self._timeout_s + os.path.getsize(source.path) / SLOWEST_READ  # noqa: PTH202
        except OSError:
            return self._timeout_s

    @contextmanager
    def _lend(self) -> Iterator[_Process]:
        try:
            process = self._idle.get_nowait()
        except queue.Empty:
            process = self._start()
        try:
            yield process
        finally:
            if process.between_recordings:
                self._idle.put(process)
            else:
                self._end(process)

    def _start(self) -> _Process:
        with self._lock:
            if self._stopped.is_set():
                raise _stopped()
            process = _Process()
            self._all.add(process)
        return process

    def _end(self, process: _Process) -> None:
        with self._lock:
            self._all.discard(process)
        process.close()

    def _end_hanging(self) -> None:
        # steps are counted, not the clock: a laptop that slept, or a job that was stopped,
        # must not find its decoders late
        step_s = min(1.0, self._timeout_s / 10)
        while not self._stopped.wait(step_s):
            with self._lock:
                for process in self._all:
                    process.wait_longer(step_s)


class _Process:
    """One decoding process and the pipes to it."""

    def __init__(self) -> None:
        code = CODE.format(path=sys.path)
        try:
            # decoders complain to stderr; the child shares the position in this file
            self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                bufsize=0,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # nothing here multiplies matrices
            )
        except OSError as error:
            raise AudiotlError(f"no process can be started to decode with ({error})") from error
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._requests: IO[bytes] = self._popen.stdin
        self._answers: IO[bytes] = self._popen.stdout
        _widen(self._answers)
        self._left_s = float("inf")
        self.ready = False
        self.n_served = 0
        self.between_recordings = True
        self.hung = False

    def read(self, source: AudioSource, patience_s: float) -> Iterator[tuple[Waveform, int]]:
        """Yield the blocks of a source, and raise what its decoding raises."""
        self.between_recordings = False
        if not self.ready:
            self._answer(patience_s)  # READY
            self.ready = True
        request = json.dumps([str(source.path), source.start_s, source.end_s])
        try:
            self._requests.write(request.encode("ascii") + b"\n")
        except OSError as error:
            raise DecoderDiedError from error
        while True:
            kind, content = self._answer(patience_s)
            if kind == BLOCK:
                (rate,) = RATE.unpack_from(content)
                yield np.frombuffer(content, np.float32, offset=RATE.size), rate
                continue
            self.n_served += 1
            self.between_recordings = True
            said = self.last_words()
            if said:
                logger.debug("%s: the decoder says: %s", source.path, said)
            if kind == ERROR:
                message, code, stage = json.loads(content)
                raise AudioError(message, code=code, stage=stage)
            assert kind == DONE
            return

    def wait_longer(self, step_s: float) -> None:
        """Count a step of waiting; end the process when there were too many."""
        self._left_s -= step_s
        if self._left_s < 0:
            self.hung = True
            self.kill()

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self._popen.kill()

    def end_reason(self) -> str:
        """Return how the process ended, in a word or two."""
        code = self._popen.wait()
        try:
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        except ValueError:
            return f"signal {-code}"

    def last_words(self) -> str:
        """Return what the process wrote to stderr since it was last asked."""
        if not os.fstat(self._said.fileno()).st_size:
            return ""
        self._said.seek(0)
        said = self._said.read(10_000).decode(errors="backslashreplace").strip()
        self._said.seek(0)
        self._said.truncate()
        return said

    def close(self) -> None:
        """End the process and close the pipes to it."""
        self.kill()
        self._popen.wait()
        for file in (self._requests, self._answers, self._said):
            file.close()

    def _answer(self, patience_s: float) -> tuple[bytes, bytearray]:
        self._left_s = patience_s
        try:
            kind, n_bytes = HEADER.unpack(self._receive(HEADER.size))
            return kind, self._receive(n_bytes)
        finally:
            self._left_s = float("inf")

    def _receive(self, n_bytes: int) -> bytearray:
        content = bytearray(n_bytes)
        left = memoryview(content)
        while left:
            n_read = self._answers.readinto(left)  # type: ignore[attr-defined]
            if not n_read:
                raise DecoderDiedError
            left = left[n_read:]
        return content


def _stopped() -> AudioError:
    return AudioError("was not decoded: the run ends", code="failed")


def _widen(pipe: IO[bytes]) -> None:
    """Give a pipe room for a whole block, where the system lets us."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass
