"""MFCC statistics: the classic baseline every network has to beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.spectrogram import dct_matrix, mel_filters, spectra
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.base import Extractor, Layer, Patches

N_FFT, FRAME_HOP = 2048, 512  # samples at 22.05 kHz: 93 and 23 ms, the usual choice
N_MELS, N_MFCC = 128, 20
SLOPE_REACH = 4  # frames on either side that deltas are fitted to
FLOOR = np.float32(1e-10)  # power, -100 dB


class MfccExtractor(Extractor):
    """Mean and standard deviation of 20 MFCC, their deltas and second deltas.

    Windows of 1 s; a recording shorter than that is repeated until it fills one.
    Coefficients follow Davis and Mermelstein (1980) with Slaney's mel bands.
    """

    name = "mfcc"
    version = "1"
    summary = "20 MFCC with deltas, mean and standard deviation per second; no weights"
    sample_rate = 22_050
    window_s = 1.0
    default_hop_s = 1.0
    default_layer = "statistics"
    batch_size = 64
    parallel = True
    front_end_in_worker = True

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"statistics": Layer(dim=6 * N_MFCC)}

    def frame(self, hop_s: float) -> Framing:
        hop = max(1, round(hop_s * self.sample_rate))
        return Framing(window=self.sample_rate, hop=hop, short="repeat")

    def front_end(self, segment: Waveform) -> Patches:
        window, hop = self.framing.window, self.framing.hop
        starts = range(0, len(segment) - window + 1, hop)
        return np.stack([mfcc(segment[start : start + window]) for start in starts])

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        slopes = _slopes(patches)
        series = np.concatenate([patches, slopes, _slopes(slopes)], axis=2)
        return np.concatenate([series.mean(axis=1), series.std(axis=1)], axis=1)[:, None, :]


def mfcc(waveform: Waveform) -> Patches:
    """Return the MFCC of a waveform at 22.05 kHz, float32 (n_frames, 20)."""
    power = spectra(waveform, window=N_FFT, hop=FRAME_HOP, n_fft=N_FFT) ** 2
    filters = mel_filters(
        MfccExtractor.sample_rate,
        N_FFT,
        N_MELS,
        0.0,
        MfccExtractor.sample_rate / 2,
        scale="slaney",
        area_norm=True,
    )
    decibel = np.float32(10) * np.log10(np.maximum(power @ filters, FLOOR))
    coefficients: Patches = decibel @ dct_matrix(N_MELS, N_MFCC)
    return coefficients


def _slopes(series: Patches) -> Patches:
    """Return deltas: slopes of lines through 2 * SLOPE_REACH + 1 frames; (n, n_frames, k)."""
    reach = SLOPE_REACH
    padded = np.pad(series, ((0, 0), (reach, reach), (0, 0)), mode="edge")
    n_frames = series.shape[1]
    slope = np.zeros_like(series)
    for step in range(1, reach + 1):
        ahead = padded[:, reach + step : reach + step + n_frames]
        behind = padded[:, reach - step : reach - step + n_frames]
        slope += np.float32(step) * (ahead - behind)
    scale = np.float32(2 * sum(step * step for step in range(1, reach + 1)))
    fitted: Patches = slope / scale
    return fitted
