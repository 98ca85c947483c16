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
from multiprocessing.connection import Connection
from typing import IO, Any

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.audio.worker import BLOCK, DONE, ERROR, Job
from audiotl_cli.errors import AudioError, AudiotlError

logger = logging.getLogger(__name__)

PIPE_BYTES = 1 << 20  # a whole block fits, so that a decoder works ahead

MAX_HEADER, MAX_BLOCK = 1 << 20, 1 << 32
"""Bytes. resampy makes one block of a whole recording."""

Block = tuple[bytes, list[int]]
"""What a job sent: bytes, and numbers that describe them."""

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
        _widen(self._popen.stdout)
        self._requests = Connection(os.dup(self._popen.stdin.fileno()), readable=False)
        self._answers = Connection(os.dup(self._popen.stdout.fileno()), writable=False)
        self._popen.stdin.close()
        self._popen.stdout.close()
        # the first is written only by the watching thread, the second only by the reading thread
        self._watched_s, self._limit_s = 0.0, float("inf")
        self.ready = False
        self.n_served = 0
        self.between_recordings = True
        self.hung = False

    def read(self, source: AudioSource, job: Job, patience_s: float) -> Iterator[Block]:
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
        try:
            self._requests.send_bytes(pickle.dumps((job, source)))
        except OSError as error:
            raise DecoderDiedError from error
        while True:
            kind, facts, content = self._answer(patience_s)
            if kind == BLOCK:
                yield content, facts
                continue
            self.n_served += 1
            self.between_recordings = True
            said = self.last_words()
            if said:
                logger.debug("%s: the decoder says: %s", source.path, said)
            if kind == ERROR:
                message, code, stage = facts
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

    def _answer(self, patience_s: float) -> tuple[str, list[Any], bytes]:
        self._limit_s = self._watched_s + patience_s
        try:
            kind, *facts = json.loads(self._answers.recv_bytes(MAX_HEADER))
            return kind, facts, self._answers.recv_bytes(MAX_BLOCK) if kind == BLOCK else b""
        except (EOFError, OSError, ValueError) as error:
            self.kill()  # it may still run, and send what is no message
            raise DecoderDiedError from error
        finally:
            self._limit_s = float("inf")


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold a whole block, if the system allows it."""
    try:
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass
