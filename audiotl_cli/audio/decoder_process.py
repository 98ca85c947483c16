"""A process that decodes, and the pipes to it."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.audio.worker import BLOCK, DONE, ERROR, HEADER, LENGTH, Job
from audiotl_cli.errors import AudioError, AudiotlError

logger = logging.getLogger(__name__)

PIPE_BYTES = 1 << 20  # a whole block fits, so that a decoder works ahead

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # nothing here multiplies matrices
    # glibc keeps the memory of a block for the next; otherwise a quarter of the time is spent on
    # returning memory to the system and allocating it again
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
}

CODE = """\
import sys
sys.path[:] = {path!r}
from audiotl_cli.audio.worker import main
main()
"""


class DecoderDiedError(Exception):
    """The process ended, or was killed, before it had sent everything."""


class DecoderProcess:
    """A running `worker`.

    Attributes
    ----------
    ready : bool
        Whether it has reported that it is ready.
    n_served : int
        Number of recordings it has finished.
    between_recordings : bool
        Whether it waits for the next recording.
    hung : bool
        Whether it was killed because it sent nothing for too long.
    """

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
                env=os.environ | ENVIRONMENT,
            )
        except OSError as error:
            raise AudiotlError(f"no process can be started to decode with ({error})") from error
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._requests: IO[bytes] = self._popen.stdin
        self._answers: IO[bytes] = self._popen.stdout
        _widen(self._answers)
        # the first is written only by the watching thread, the second only by the reading thread
        self._watched_s, self._limit_s = 0.0, float("inf")
        self.ready = False
        self.n_served = 0
        self.between_recordings = True
        self.hung = False

    def read(self, source: AudioSource, job: Job, patience_s: float) -> Iterator[bytearray]:
        """Run a job on a source, yield the blocks it sends, and raise its errors.

        Parameters
        ----------
        source : AudioSource
        job : Job
            Can be pickled.
        patience_s : float
            Seconds without a message after which the process is killed.
        """
        self.between_recordings = False
        if not self.ready:
            self._answer(patience_s)  # READY
            self.ready = True
        request = pickle.dumps((job, source))
        try:
            self._requests.write(LENGTH.pack(len(request)) + request)
        except OSError as error:
            raise DecoderDiedError from error
        while True:
            kind, content = self._answer(patience_s)
            if kind == BLOCK:
                yield content
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

    def watch(self, step_s: float) -> None:
        """Count a step of time; kill the process if its reader has waited for too long."""
        self._watched_s += step_s
        if self._watched_s > self._limit_s:
            self.hung = True
            self.kill()

    def kill(self) -> None:
        """Kill the process."""
        self._popen.kill()

    def end_reason(self) -> str:
        """Return the signal or the exit code with which the process ended."""
        code = self._popen.wait()
        try:
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        except ValueError:
            return f"signal {-code}"

    def last_words(self) -> str:
        """Return what the process wrote to stderr since the last call."""
        if not os.fstat(self._said.fileno()).st_size:
            return ""
        self._said.seek(0)
        said = self._said.read(10_000).decode(errors="backslashreplace").strip()
        self._said.seek(0)
        self._said.truncate()
        return said

    def close(self) -> None:
        """Kill the process and close the pipes to it."""
        self.kill()
        self._popen.wait()
        for file in (self._requests, self._answers, self._said):
            file.close()

    def _answer(self, patience_s: float) -> tuple[bytes, bytearray]:
        self._limit_s = self._watched_s + patience_s
        try:
            kind, n_bytes = HEADER.unpack(self._receive(HEADER.size))
            return kind, self._receive(n_bytes)
        finally:
            self._limit_s = float("inf")

    def _receive(self, n_bytes: int) -> bytearray:
        content = bytearray(n_bytes)
        left = memoryview(content)
        while left:
            n_read = self._answers.readinto(left)  # type: ignore[attr-defined]
            if not n_read:
                raise DecoderDiedError
            left = left[n_read:]
        return content


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold a whole block, if the system allows it."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass
