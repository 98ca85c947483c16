"""A fingerprint of a sound, which stays when the sound is quieter, encoded again, or cut.

After Haitsma, J. and Kalker, T. (2002), A highly robust audio fingerprinting system (ISMIR):
every 16 ms a word, whose bits state whether the difference in energy between neighbouring bands
rose or fell. Here there are 25 bands from 300 to 3400 Hz, windows of 128 ms (theirs have 370 ms,
too long for clips of a second), differences over 128 ms, and a bit that states whether there is
sound at all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.spectrogram import hann, transform
from audiotl_cli.audio.types import Waveform

Words = npt.NDArray[np.uint32]
"""Words of a fingerprint, shape (n_words,); 0 where there is no sound."""

RATE = 8_000  # Hz; frequencies above 3400 Hz are not used
WINDOW, HOP = 1024, 128
LAG = 8
N_BITS = 24
HEARD = np.uint32(1 << N_BITS)

LONGEST_S = 600.0
"""Only this much of a recording is used: a fingerprint takes 250 bytes a second."""

FAINT = 1e-4
"""Share of the loudest window's power below which a window counts as silent: 40 dB."""
FLOOR = 1e-3  # as power of a spectrum; -80 dB of full scale

_EDGES = np.round(np.geomspace(300, 3400, N_BITS + 2) * WINDOW / RATE).astype(int)


class FingerprintStream:
    """Makes a fingerprint of consecutive blocks.

    Parameters
    ----------
    sample_rate : int
        Hz, of the blocks.
    """

    def __init__(self, sample_rate: int) -> None:
        import soxr

        self._resampler = (
            soxr.ResampleStream(sample_rate, RATE, 1, dtype="float32", quality="MQ")
            if sample_rate != RATE
            else None
        )
        self._held = np.zeros(0, np.float32)
        self._bands: list[npt.NDArray[np.float32]] = []
        self._n_left = round(LONGEST_S * RATE)

    def add(self, block: Waveform) -> None:
        """Take a block of mono samples."""
        if self._n_left > 0:
            self._take(self._resampler.resample_chunk(block) if self._resampler else block)

    def words(self) -> Words:
        """Return the fingerprint; nothing can be added afterwards."""
        if self._resampler and self._n_left > 0:
            self._take(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        bands = np.concatenate([np.zeros((0, N_BITS + 1), np.float32), *self._bands])
        if len(bands) <= LAG:
            return np.zeros(0, np.uint32)
        power = bands.sum(axis=1)
        heard = (power > FAINT * power.max()) & (power > FLOOR)
        level = np.log(bands + 1e-9)
        slope = level[:, :-1] - level[:, 1:]
        bits = slope[LAG:] > slope[:-LAG]
        words = bits.astype(np.uint32) @ (1 << np.arange(N_BITS, dtype=np.uint32))
        return np.where(heard[LAG:] & heard[:-LAG], words | HEARD, 0).astype(np.uint32)

    def _take(self, block: Waveform) -> None:
        samples = np.concatenate([self._held, block[: self._n_left]])
        self._n_left -= len(block)
        n_windows = (len(samples) - WINDOW) // HOP + 1
        if n_windows > 0:
            windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
            for first in range(0, n_windows, 1024):  # in parts, to save memory
                spectrum = transform(windows[first : first + 1024], hann(WINDOW), WINDOW)
                power = spectrum.real**2 + spectrum.imag**2
                bands = np.add.reduceat(power, _EDGES, axis=1)[:, :-1]
                self._bands.append(bands.astype(np.float32))
            samples = samples[n_windows * HOP :]
        self._held = samples
