"""Kaldi's filter banks, which AST, BEATs and most speech networks of PyTorch take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.front_ends.base import (
    MAX_N_FFT,
    Features,
    FrontEnd,
    check_bands,
    power_of_two,
)

EPSILON = float(np.finfo(np.float32).eps)  # the least energy that has a logarithm
TAPERS = ("povey", "hanning", "hann", "hamming", "rectangular")

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KaldiFbank(FrontEnd):
    """Log energies of mel bands, as ``compute-fbank-feats`` of Kaldi and its descendants.

    Povey et al., *The Kaldi Speech Recognition Toolkit*, ASRU 2011; ``torchaudio.compliance.kaldi``
    and ``kaldi-native-fbank`` compute the same. Names of parameters in those: ``num_mel_bins``,
    ``frame_length``, ``frame_shift``, ``preemphasis_coefficient``, ``window_type``. There is no
    dither.

    Parameters
    ----------
    frame_length, frame_hop : int
        Samples; 25 and 10 ms at 16 kHz. The transform has the next power of two.
    n_mels : int
    low_hz, high_hz : float
        Edges of the bands; a high edge of 0 is half the sample rate.
    preemphasis : float
    taper : {"povey", "hanning", "hann", "hamming", "rectangular"}
        ``hanning`` and ``povey``, its power of 0.85, are symmetric, ``hann`` is periodic.
    scale : float
        Factor of the samples; 32768 for networks that expect whole numbers of 16 bits.
    remove_dc, snip_edges, power, log : bool
        Whether the mean of every frame is taken out, frames lie within the window only, energies
        rather than magnitudes are summed, and their logarithm is taken.
    """

    name: ClassVar[str] = "kaldi_fbank"

    frame_length: int = 400
    frame_hop: int = 160
    n_mels: int = 80
    low_hz: float = 20.0
    high_hz: float = 0.0
    preemphasis: float = 0.97
    taper: str = "povey"
    scale: float = 1.0
    remove_dc: bool = True
    snip_edges: bool = True
    power: bool = True
    log: bool = True

    def check(self) -> None:
        self.require("frame_length", 2 <= self.frame_length <= MAX_N_FFT, f"2 to {MAX_N_FFT}")
        self.require("frame_hop", 1 <= self.frame_hop <= MAX_N_FFT, f"1 to {MAX_N_FFT}")
        self.require("taper", self.taper in TAPERS, f"one of {', '.join(TAPERS)}")
        self.require("preemphasis", 0 <= self.preemphasis <= 1, "0 to 1")
        self.require("scale", self.scale > 0, "a number above 0")
        check_bands(self)

    @property
    def min_samples(self) -> int:
        return self.frame_length if self.snip_edges else 1 + self.frame_hop // 2

    def compute(self, waveform: Waveform) -> Features:
        frames = self._frames(waveform.astype(np.float64) * self.scale)
        if self.remove_dc:
            frames = frames - frames.mean(axis=1, keepdims=True)
        if self.preemphasis:
            before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
            frames = frames - self.preemphasis * before
        n_fft = power_of_two(self.frame_length)
        spectra = np.fft.rfft(frames * _taper(self.taper, self.frame_length), n_fft, axis=1)
        spectra = np.abs(spectra[:, :-1])
        bands = _bands(self.sample_rate, n_fft, self.n_mels, self.low_hz, self.high_hz)
        mel = (spectra**2 if self.power else spectra) @ bands
        if self.log:
            mel = np.log(np.maximum(mel, EPSILON))
        return mel.astype(np.float32)

    def _frames(self, samples: Doubles) -> Doubles:
        if not self.snip_edges:  # frames are centred; samples outside are mirrored, edges too
            n_frames = (len(samples) + self.frame_hop // 2) // self.frame_hop
            first = self.frame_hop // 2 - self.frame_length // 2
            n_needed = (n_frames - 1) * self.frame_hop + self.frame_length
            after = max(0, first + n_needed - len(samples))
            samples = np.pad(samples, (max(0, -first), after), mode="symmetric")
            samples = samples[max(0, first) :][:n_needed]
        return np.lib.stride_tricks.sliding_window_view(samples, self.frame_length)[
            :: self.frame_hop
        ]


def _taper(name: str, length: int) -> Doubles:
    if name == "rectangular":
        return np.ones(length)
    period = length if name == "hann" else length - 1
    offset = 0.54 if name == "hamming" else 0.5
    taper = offset - (1 - offset) * np.cos(2 * np.pi * np.arange(length) / period)
    return np.maximum(taper, 0) ** 0.85 if name == "povey" else taper


@cache
def _bands(sample_rate: int, n_fft: int, n_mels: int, low_hz: float, high_hz: float) -> Doubles:
    """Return triangles (n_fft // 2, n_mels) that are straight in mel; the last bin is left out."""
    low, high = _mel(np.array([low_hz, high_hz or sample_rate / 2], np.float64))
    edges = np.linspace(low, high, n_mels + 2)
    position = _mel(np.arange(n_fft // 2, dtype=np.float64) * (sample_rate / n_fft))[:, None]
    width = edges[1] - edges[0]
    bands: Doubles = np.maximum(0, 1 - np.abs(position - edges[1:-1]) / width)
    return bands


def _mel(hz: Doubles) -> Doubles:
    mel: Doubles = 1127.0 * np.log(1.0 + hz / 700.0)
    return mel
