"""The log-mel spectrogram of Google's AudioSet networks, VGGish and YAMNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors import audioset
from audiotl_cli.extractors.front_ends.base import Features, FrontEnd


@dataclass(frozen=True)
class AudioSetLogMel(FrontEnd):
    """64 HTK bands from 125 to 7500 Hz of magnitudes of 25 ms every 10 ms, natural logarithm.

    Hershey et al., *CNN Architectures for Large-Scale Audio Classification*, ICASSP 2017. A window
    of 0.96 s has 96 frames, the last of which ends 15 ms after it.

    Parameters
    ----------
    log_offset : float
        Added before the logarithm: 0.01 as VGGish, 0.001 as YAMNet.
    """

    name: ClassVar[str] = "log_mel"
    default_window_s: ClassVar[float] = 0.96

    log_offset: float = 0.01

    def check(self) -> None:
        self.require("sample_rate", self.sample_rate == audioset.SAMPLE_RATE, "16000 for log_mel")
        self.require("log_offset", self.log_offset > 0, "a number above 0")

    @property
    def min_samples(self) -> int:
        return audioset.STFT_WINDOW

    def window(self, window_s: float) -> int:
        n_frames = max(1, round(window_s * self.sample_rate / audioset.STFT_HOP))
        return (n_frames - 1) * audioset.STFT_HOP + audioset.STFT_WINDOW

    def hop(self, hop_s: float) -> int:
        n_frames = max(1, round(hop_s * self.sample_rate / audioset.STFT_HOP))
        return n_frames * audioset.STFT_HOP

    def compute(self, waveform: Waveform) -> Features:
        return audioset.log_mel(waveform, *audioset.tables(), self.log_offset)
