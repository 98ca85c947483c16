"""Tell sounds that were brought up from a lower sample rate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.limits import (
    UPSAMPLED_DROP_DB,
    UPSAMPLED_FLOOR_DB,
    UPSAMPLED_RATES,
    UPSAMPLED_TIMES,
)
from audiotl_cli.audio.spectrogram import hann, transform
from audiotl_cli.audio.types import Waveform

N_FFT = 2048


class SpectrumStream:
    """Averages the power spectrum of consecutive blocks.

    Parameters
    ----------
    sample_rate : int
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._held = np.zeros(0, np.float32)
        self._power = np.zeros(N_FFT // 2 + 1)
        self._n = 0

    def add(self, block: Waveform) -> None:
        """Take a block of mono samples."""
        samples = np.concatenate([self._held, block])
        n = len(samples) // N_FFT
        for first in range(0, n, 64):  # in parts, to save memory
            part = samples[first * N_FFT : min(n, first + 64) * N_FFT].reshape(-1, N_FFT)
            spectrum = transform(part, hann(N_FFT), N_FFT)
            self._power += (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
        self._n += n
        self._held = samples[n * N_FFT :]

    def shares_above(self, edges: Sequence[float]) -> list[float]:
        """Return the share of the power above each frequency in Hz; offsets do not count."""
        power = self._power.copy()
        if len(self._held):  # the end, which is all there is of a short recording
            end = self._held - self._held.mean()
            spectrum = transform(end[None], np.hanning(len(end)), N_FFT)[0]
            power += spectrum.real**2 + spectrum.imag**2
        power[:2] = 0.0
        total = float(power.sum())
        hz = np.arange(len(power)) * self._rate / N_FFT
        return [float(power[hz > edge].sum()) / total if total > 0 else 0.0 for edge in edges]

    def original_rate(self) -> int:
        """Return the rate from which the sound was upsampled, Hz; 0 if there is no sign of it.

        An upsampled sound ends abruptly just below half of the lower rate. A sound that falls off
        gradually does not, and noise may hide the edge.
        """
        if not self._n:
            return 0
        power = self._power / (self._n * float((hann(N_FFT) ** 2).sum()))
        level = 10 * np.log10(power + 1e-20)
        for rate, heard, empty in _edges(self._rate):
            below, above = _quantile(level[heard], 0.2), _quantile(level[empty], 0.99)
            is_wall = below - above >= UPSAMPLED_DROP_DB
            if is_wall and above <= UPSAMPLED_FLOOR_DB <= below:
                return rate
        return 0


@cache
def _edges(sample_rate: int) -> list[tuple[int, slice, slice]]:
    """Return lower rates, with the bins just below and all above half of each."""
    hz = np.arange(N_FFT // 2 + 1) * sample_rate / N_FFT

    def between(low: float, high: float) -> slice:
        return slice(int(np.searchsorted(hz, low, "right")), int(np.searchsorted(hz, high)))

    return [
        (rate, between(0.3 * rate, 0.45 * rate), between(0.55 * rate, 0.49 * sample_rate))
        for rate in UPSAMPLED_RATES
        if sample_rate >= UPSAMPLED_TIMES * rate
    ]


def _quantile(values: npt.NDArray[np.float64], share: float) -> float:
    # NumPy's own takes most of the time that a short recording takes
    place = round(share * (len(values) - 1))
    return float(np.partition(values, place)[place])
