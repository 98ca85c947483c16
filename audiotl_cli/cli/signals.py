"""End a command in the same way on Ctrl-C, SIGTERM and SIGHUP, each with its own exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from audiotl_cli import leftovers

INTERRUPTED = 130  # 128 and the number of the signal, as shells have it

GRACE_S = 8.0
"""Seconds that a command has to end. Libraries may compute for minutes without letting Python
run in between; a container is killed ten seconds after the signal."""

KEPT = {
    "index": "Recordings that were already analysed are not analysed again",
    "extract": "The clips embedded so far are in the store",
    "label": "The labels written so far are in the index",
    "tune": "The results of the settings tried so far are kept",
    "demo": "The results of finished commands are kept",
    "datasets": "Downloaded parts of the archives are kept",
    "predict": "The predictions written so far are kept",
    "listen": "The events written so far are kept",
}
"""What an interrupted command keeps; other commands keep nothing."""

RESUMED = ("index", "extract", "label", "tune", "demo", "datasets")


@dataclass
class Stop:
    """Which signal ended a command.

    Attributes
    ----------
    number : int
        Of the signal; 0 for none.
    """

    number: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def exit_code(self, code: int) -> int:
        """Return the exit code of a command that would have ended with `code`."""
        return 128 + self.number if self.number and code else code

    @property
    def name(self) -> str:
        """Return the name of the signal; empty for none."""
        return signal.Signals(self.number).name if self.number else ""


stop = Stop()


@contextmanager
def caught(args: Sequence[str]) -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise `KeyboardInterrupt`, as Ctrl-C does.

    The second one is ignored: cleaning up goes on. A command that does not end within `GRACE_S`
    is ended all the same, its temporary files deleted.

    Parameters
    ----------
    args : sequence of str
        The command line, for the message of a command that did not end by itself.
    """
    global stop
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for n in _signals() if signal.getsignal(n) is signal.SIG_DFL]  # not under nohup
    before = {n: signal.signal(n, _raise) for n in numbers}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    fd_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    guard = threading.Thread(
        target=_guard, args=(reading, numbers, args, stop), name="signals", daemon=True
    )
    guard.start()
    try:
        yield
    finally:
        stop._ended.set()
        signal.set_wakeup_fd(fd_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)  # ends the guard
        guard.join()
        os.close(reading)


def ended(args: Sequence[str], left: str = "") -> str:
    """Return the message about a command that a signal or Ctrl-C has ended.

    Parameters
    ----------
    args : sequence of str
        The command line.
    left : str
        What the command itself reports about its partial results and how to continue.
    """
    command = next((arg for arg in args if not arg.startswith("-")), "")
    why = f"Stopped by {stop.name}" if stop.name else "Interrupted"
    if left:
        return f"{why}; {left}."
    into_file = command == "predict" and any(arg.startswith("--output") for arg in args)
    resumes = command in RESUMED or into_file
    goes_on = "continues where it stopped" if resumes else "starts from the beginning"
    kept = KEPT.get(command, "")
    return f"{why}; the same command {goes_on}." + (f" {kept}." if kept else "")


def _signals() -> list[int]:
    return [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _raise(number: int, frame: FrameType | None) -> None:
    if not stop.number:
        stop.number = number
        raise KeyboardInterrupt


def _guard(reading: int, numbers: Sequence[int], args: Sequence[str], of: Stop) -> None:
    """End the process after `GRACE_S`; the system delivers signals whatever Python is doing."""
    while arrived := os.read(reading, 1):
        if arrived[0] in numbers and not of._ended.wait(GRACE_S):
            of.number = arrived[0]
            leftovers.delete_all()
            _say(ended(args))
            os._exit(128 + of.number)


def _say(text: str) -> None:
    try:
        show_cursor = "\r\n\x1b[?25h" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{show_cursor}{text}\n")
        sys.stderr.flush()
    except OSError:
        pass
