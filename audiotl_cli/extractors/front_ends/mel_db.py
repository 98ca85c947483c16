"""Mel levels in decibels, as torchaudio and librosa compute them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.spectrogram import slaney_edges
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.front_ends.base import MAX_N_FFT, Features, FrontEnd, check_bands

FLOOR = 1e-10  # power, -100 dB
Doubles = npt.NDArray[np.float64]
Scale = Literal["htk", "slaney"]


@dataclass(frozen=True)
class MelDecibel(FrontEnd):
    """``MelSpectrogram`` and ``AmplitudeToDB`` of torchaudio, with the defaults of these.

    Frames are centred, with the samples mirrored at both ends, unless `centre` is false, and have
    the periodic Hann window. With ``mel_scale`` and ``norm`` slaney, bands are librosa's. Names of
    parameters in torchaudio: ``win_length``, ``hop_length``, ``f_min``, ``f_max``, ``center``.

    Parameters
    ----------
    n_fft, frame_length, frame_hop : int
        Samples; 0 is n_fft, and half of that.
    n_mels : int
    low_hz, high_hz : float
        Edges of the bands; a high edge of 0 is half the sample rate.
    mel_scale : {"htk", "slaney"}
    norm : {"", "slaney"}
        Whether bands have the same area rather than the same height.
    power : float
        Exponent of the magnitudes: 2 or 1. Levels are 10 or 20 times the logarithm.
    top_db : float
        Levels are raised to that many decibels below the loudest of the window; 0 leaves them.
    centre : bool
    """

    name: ClassVar[str] = "mel_db"

    n_fft: int = 400
    frame_length: int = 0
    frame_hop: int = 0
    n_mels: int = 128
    low_hz: float = 0.0
    high_hz: float = 0.0
    mel_scale: str = "htk"
    norm: str = ""
    power: float = 2.0
    top_db: float = 0.0
    centre: bool = True

    def check(self) -> None:
        self.require("n_fft", 2 <= self.n_fft <= MAX_N_FFT, f"2 to {MAX_N_FFT}")
        self.require("frame_length", self.frame_length <= self.n_fft, f"at most {self.n_fft}")
        self.require("frame_hop", self.frame_hop <= MAX_N_FFT, f"at most {MAX_N_FFT}")
        self.require("mel_scale", self.mel_scale in ("htk", "slaney"), "'htk' or 'slaney'")
        self.require("norm", self.norm in ("", "slaney"), "'' or 'slaney'")
        self.require("power", self.power in (1, 2), "1 or 2")
        self.require("top_db", self.top_db >= 0, "a number, 0 or above")
        check_bands(self)

    @property
    def min_samples(self) -> int:
        return self.n_fft // 2 + 1 if self.centre else self.n_fft

    def compute(self, waveform: Waveform) -> Features:
        bands = mel_bands(
            self.sample_rate,
            self.n_fft,
            self.n_mels,
            (self.low_hz, self.high_hz or self.sample_rate / 2),
            cast(Scale, self.mel_scale),
            area_norm=bool(self.norm),
        )
        length = self.frame_length or self.n_fft
        hop = self.frame_hop or length // 2
        magnitudes = centred_spectra(waveform, self.n_fft, length, hop, centre=self.centre)
        levels = 20 / self.power * np.log10(np.maximum(magnitudes**self.power @ bands, FLOOR))
        if self.top_db:
            levels = np.maximum(levels, levels.max() - self.top_db)
        return levels.astype(np.float32)


def centred_spectra(
    waveform: Waveform, n_fft: int, length: int, hop: int, *, centre: bool = True
) -> Doubles:
    """Return magnitudes (n_frames, n_fft // 2 + 1) of Hann-windowed frames, as ``torch.stft``."""
    samples = waveform.astype(np.float64)
    if centre:
        samples = np.pad(samples, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    before = (n_fft - length) // 2
    taper = np.pad(taper, (before, n_fft - length - before))
    return np.abs(np.fft.rfft(frames * taper, axis=1))


@cache
def mel_bands(
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    between_hz: tuple[float, float],
    scale: Scale,
    *,
    area_norm: bool,
) -> Doubles:
    """Return triangles (n_fft // 2 + 1, n_mels) that are straight in Hz."""
    if scale == "slaney":
        edges = slaney_edges(*between_hz, n_mels)
    else:
        low, high = (2595 * np.log10(1 + hz / 700) for hz in between_hz)
        edges = 700 * (10 ** (np.linspace(low, high, n_mels + 2) / 2595) - 1)
    bins = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    bands: Doubles = np.maximum(0, np.minimum(rising, falling))
    return bands * (2 / (high - low)) if area_norm else bands
