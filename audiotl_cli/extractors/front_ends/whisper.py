"""The log-mel spectrogram of Whisper, which its encoder and many others take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.front_ends.base import MAX_MELS, Features, FrontEnd
from audiotl_cli.extractors.front_ends.mel_db import FLOOR, centred_spectra, mel_bands

SAMPLE_RATE, N_FFT, HOP = 16_000, 400, 160
RANGE = 8.0  # powers of ten below the loudest


@dataclass(frozen=True)
class WhisperLogMel(FrontEnd):
    """Slaney bands of powers of 25 ms every 10 ms, as ``log10`` above -8 of the loudest, scaled.

    Radford et al., *Robust Speech Recognition via Large-Scale Weak Supervision*, 2022. Frames are
    centred, and the last one is left out, so that 30 s have 3000.

    Parameters
    ----------
    n_mels : int
        80; 128 from ``large-v3`` on.
    """

    name: ClassVar[str] = "whisper"
    default_window_s: ClassVar[float] = 30.0

    n_mels: int = 80

    def check(self) -> None:
        self.require("sample_rate", self.sample_rate == SAMPLE_RATE, "16000 for whisper")
        self.require("n_mels", 1 <= self.n_mels <= MAX_MELS, f"1 to {MAX_MELS}")

    @property
    def min_samples(self) -> int:
        return N_FFT // 2 + 1

    def compute(self, waveform: Waveform) -> Features:
        bands = mel_bands(
            SAMPLE_RATE, N_FFT, self.n_mels, (0.0, SAMPLE_RATE / 2), "slaney", area_norm=True
        )
        power = centred_spectra(waveform, N_FFT, N_FFT, HOP)[:-1] ** 2
        levels = np.log10(np.maximum(power @ bands, FLOOR))
        raised = np.maximum(levels, levels.max() - RANGE)
        scaled: Features = ((raised + 4) / 4).astype(np.float32)
        return scaled
