"""Measure, while a recording is decoded, whether there is anything in it to hear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from audiotl_cli.audio.limits import (
    CANCELLED_SHARE,
    INAUDIBLE_SWING,
    LEAST_SILENCE_S,
    OUT_OF_BAND_SHARE,
)
from audiotl_cli.audio.types import Waveform

STEP_S = 0.05
"""The steps in which silence is looked for."""


@dataclass(frozen=True)
class Levels:
    """What there is to hear in a recording.

    Parameters
    ----------
    swing : float
        Half the distance from the lowest to the highest sample of the mono mix, so that a
        constant offset counts for nothing.
    cancels : bool
        Whether the mono mix holds less than `CANCELLED_SHARE` of the power of the channels.
    in_band : float
        Share of the power of the mono mix that is left after resampling, 0 to 1.
    silences : sequence of (float, float)
        Stretches without sound of at least `LEAST_SILENCE_S`, seconds.
    """

    swing: float
    cancels: bool = False
    in_band: float = 1.0
    silences: Sequence[tuple[float, float]] = ()

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to hear."""
        return self.swing <= INAUDIBLE_SWING

    @property
    def is_out_of_band(self) -> bool:
        """Whether nearly all of the sound is above what is left after resampling."""
        return not self.is_silent and self.in_band < OUT_OF_BAND_SHARE

    def to_bytes(self) -> bytes:
        """Return the levels as float64 numbers; `from_bytes` reads them."""
        numbers = [self.swing, self.cancels, self.in_band, *np.ravel(self.silences)]
        return np.array(numbers, np.float64).tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return the levels from the bytes of `to_bytes`."""
        swing, cancels, in_band, *bounds = np.frombuffer(content, np.float64).tolist()
        silences = list(zip(bounds[::2], bounds[1::2], strict=True))
        return cls(swing, bool(cancels), in_band, silences)


class LevelMeter:
    """Measures a recording while its blocks pass through.

    Parameters
    ----------
    to_rate : int
        The sample rate after resampling, Hz.
    """

    def __init__(self, to_rate: int) -> None:
        self.to_rate = self._rate = to_rate
        self._lowest, self._highest = np.inf, -np.inf
        self._channel_swing, self._channel_power = 0.0, 0.0
        self._power, self._power_left = 0.0, 0.0  # times samples
        self._rest = np.zeros(0, np.float32)  # samples that do not fill a step yet
        self._n_steps = 0
        self._silent_since: int | None = None
        self._silences: list[tuple[float, float]] = []

    def on_channels(self, block: Any) -> None:
        """Take a block of the recording before it is mixed down, (n_samples, n_channels)."""
        if len(block) == 0:
            return
        if self._channel_swing <= INAUDIBLE_SWING:
            self._channel_swing = max(self._channel_swing, float(_swings(block.T).max()))
        self._channel_power += sum(map(_power, block.T)) / block.shape[1]

    def before(self, blocks: Iterable[tuple[Waveform, int]]) -> Iterator[tuple[Waveform, int]]:
        """Pass on the mono mix at its own rate."""
        for block, rate in blocks:
            self._rate = rate
            if len(block):
                self._lowest = min(self._lowest, float(block.min()))
                self._highest = max(self._highest, float(block.max()))
                self._find_silence(block)
            self._power += _power(block)
            yield block, rate

    def after(self, blocks: Iterable[Waveform]) -> Iterator[Waveform]:
        """Pass on the resampled mono mix."""
        for block in blocks:
            if self._rate > self.to_rate:
                self._power_left += _power(block) * self._rate / self.to_rate
            yield block

    def levels(self) -> Levels:
        """Return what was measured so far."""
        swing = max(0.0, (self._highest - self._lowest) / 2)
        silences = [*self._silences]
        if self._silent_since is not None:
            rest = self._rest if len(self._rest) and _swings(self._rest) <= INAUDIBLE_SWING else ()
            _add(silences, self._second(self._silent_since), self._second(self._n_steps, len(rest)))
        heard = self._power_left / self._power if self._power and self._rate > self.to_rate else 1.0
        few = self._power <= CANCELLED_SHARE * self._channel_power
        cancels = few and self._channel_swing > INAUDIBLE_SWING
        return Levels(swing, cancels, min(1.0, heard), silences)

    def _find_silence(self, block: Waveform) -> None:
        n = self._samples_a_step()
        samples = np.concatenate([self._rest, block]) if len(self._rest) else block
        n_steps = len(samples) // n
        self._rest = samples[n_steps * n :].copy()
        silent = _swings(samples[: n_steps * n].reshape(n_steps, n)) <= INAUDIBLE_SWING
        was = self._silent_since is not None
        for place in np.flatnonzero(np.diff(silent, prepend=was)):
            here = self._n_steps + int(place)
            if silent[place]:
                self._silent_since = here
            elif self._silent_since is not None:
                _add(self._silences, self._second(self._silent_since), self._second(here))
                self._silent_since = None
        self._n_steps += n_steps

    def _samples_a_step(self) -> int:
        return max(1, round(STEP_S * self._rate))

    def _second(self, n_steps: int, n_samples: int = 0) -> float:
        return (n_steps * self._samples_a_step() + n_samples) / self._rate


def _add(silences: list[tuple[float, float]], start_s: float, end_s: float) -> None:
    if end_s - start_s >= LEAST_SILENCE_S - STEP_S:
        silences.append((start_s, end_s))


def _swings(samples: Any) -> Any:
    """Return half the distance from the lowest to the highest sample along the last axis."""
    return (samples.max(axis=-1) - samples.min(axis=-1)) / 2


def _power(block: Waveform) -> float:
    """Return the sum of squares around the mean."""
    around = block - block.mean() if len(block) else block
    return float(np.dot(around, around))
