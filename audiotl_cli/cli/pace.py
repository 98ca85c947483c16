"""How fast work goes, how long it will take, and both in words."""

from __future__ import annotations

import time
from collections.abc import Callable


def duration(seconds: float) -> str:
    """Return a readable duration: ``4.2 s``, ``3 min 20 s``, ``5 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, remainder = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {remainder:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


class Pace:
    """How fast the work goes, and how long it will take; nothing while too little is known.

    The time until the first piece of work is done, in which networks are loaded, does not count for
    what is left.
    """

    KNOWN_S, KNOWN_SHARE = 3.0, 0.01

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._now = clock()
        self._first: tuple[float, int] | None = None
        self._done, self._total, self._audio_s = 0, 0, 0.0

    def add(self, done: int, total: int, audio_s: float) -> None:
        """Take the work done so far, of how much, and seconds of audio."""
        self._now = self._clock()
        self._done, self._total, self._audio_s = done, total, audio_s
        if self._first is None and done:
            self._first = self._now, done

    @property
    def speed(self) -> str:
        """Seconds of audio a second; empty if there is none, or at the very beginning."""
        spent = self._now - self._started
        rate = self._audio_s / max(spent, 1e-3)
        if not self._audio_s or (self._done < self._total and (spent < self.KNOWN_S or rate < 0.1)):
            return ""
        return f"{rate:.0f}x" if rate >= 10 else f"{rate:.1f}x"

    @property
    def words(self) -> list[str]:
        """How much audio is done, and how fast, in words."""
        audio = [f"{duration(self._audio_s)} of audio"] if self._audio_s else []
        return audio + ([f"{self.speed} real time"] if self.speed else [])

    @property
    def left(self) -> str:
        """How long the rest will take; empty until enough is done to tell."""
        if self._first is None or self._done >= self._total:
            return ""
        first_at, n_first = self._first
        spent, n_done = self._now - first_at, self._done - n_first
        if spent < self.KNOWN_S or n_done < max(1, self.KNOWN_SHARE * self._total):
            return ""
        return f"{duration((self._total - self._done) * spent / n_done)} left"
