"""Cut a stream of samples into the windows a network sees.

Windows lie at fixed distances on a padded waveform. They are handed out in segments of
neighbouring windows, because a front end shares work between windows that overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from audiotl_cli.audio.types import Waveform


@dataclass(frozen=True)
class Framing:
    """Where a network's windows lie.

    Window ``i`` covers the samples ``i * hop ... i * hop + window`` of the waveform with
    `pad_start` zeros before and `pad_end` zeros after it.

    Parameters
    ----------
    window, hop : int
        Samples, at the network's rate, at least 1.
    pad_start, pad_end : int
        Zeros, at least 0.
    tail : {"drop", "pad"}
        Whether samples after the last whole window are left out, or one more window,
        filled up with zeros, covers them.
    short : {"zeros", "repeat"}
        How a waveform too short for one window is made to fill it.
    """

    window: int
    hop: int
    pad_start: int = 0
    pad_end: int = 0
    tail: Literal["drop", "pad"] = "drop"
    short: Literal["zeros", "repeat"] = "zeros"

    def n_windows(self, n_samples: int) -> int:
        """Return the number of windows of a waveform of `n_samples` > 0; at least 1."""
        beyond = self.pad_start + n_samples + self.pad_end - self.window
        if beyond <= 0:
            return 1
        if self.tail == "drop":
            return 1 + beyond // self.hop
        # where windows lie apart, none begins behind the last sample
        return min(1 - (-beyond // self.hop), -(-(beyond + self.window) // self.hop))


def segments(
    blocks: Iterable[Waveform], framing: Framing, *, max_windows: int, eager: bool = False
) -> Iterator[Waveform]:
    """Cut a stream of blocks into segments of whole windows.

    Parameters
    ----------
    blocks : iterable of float32 (n_samples,)
        Together at least one sample.
    framing : Framing
    max_windows : int
        Windows a segment, at least 1.
    eager : bool
        Whether windows are handed out as soon as the block that completes them has come.

    Yields
    ------
    segment : float32 ((n - 1) * hop + window,)
        Holds ``n`` windows, 1 <= n <= `max_windows`; all segments but the last hold
        `max_windows`, unless `eager`. Consecutive segments overlap by ``window - hop`` samples.
    """
    window, hop = framing.window, framing.hop
    least = window if eager else (max_windows - 1) * hop + window
    held: list[Waveform] = [np.zeros(framing.pad_start, np.float32)]
    n_held = framing.pad_start
    n_samples = n_done = skip = 0  # skip: samples between windows when hop > window
    for block in blocks:
        n_samples += len(block)
        dropped = min(skip, len(block))
        skip -= dropped
        held.append(block[dropped:])
        n_held += len(block) - dropped
        if n_held < least:
            continue
        buffer = np.concatenate(held)
        while len(buffer) >= least:
            n = min(max_windows, 1 + (len(buffer) - window) // hop)
            yield buffer[: (n - 1) * hop + window]
            n_done += n
            skip = max(0, n * hop - len(buffer))
            buffer = buffer[n * hop :]
        held, n_held = [buffer], len(buffer)
    n_left = framing.n_windows(n_samples) - n_done
    if n_left <= 0:
        return
    buffer = np.concatenate(held)
    needed = (n_left - 1) * hop + window
    if framing.short == "repeat" and n_done == 0 and len(buffer) + framing.pad_end < window:
        room = window - framing.pad_start - framing.pad_end
        waveform = buffer[framing.pad_start :]
        buffer = np.concatenate([buffer[: framing.pad_start], np.resize(waveform, room)])
    buffer = np.pad(buffer[:needed], (0, max(0, needed - len(buffer))))
    for first in range(0, n_left, max_windows):
        last = min(first + max_windows, n_left) - 1
        yield buffer[first * hop : last * hop + window]
