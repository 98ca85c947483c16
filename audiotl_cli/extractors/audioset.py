"""The front end of Google's AudioSet networks, VGGish and YAMNet.

Their input are patches of 96 STFT frames by 64 mel bands, 0.96 s, as described in Hershey et al.,
*CNN Architectures for Large-Scale Audio Classification*, ICASSP 2017.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.spectrogram import (
    AnyFloats,
    Float64Array,
    FloatArray,
    mel_filters,
    transform,
)
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.base import Patches

SAMPLE_RATE = 16_000  # Hz
STFT_WINDOW, STFT_HOP, N_FFT = 400, 160, 512  # samples: 25 ms, 10 ms
N_MELS, LOW_HZ, HIGH_HZ = 64, 125.0, 7500.0
PATCH_FRAMES = 96


def patch_framing(hop_s: float, *, pad_end: bool) -> Framing:
    """Return the positions of patches; hops are whole STFT frames.

    Parameters
    ----------
    hop_s : float
        Seconds between patches, which are rounded.
    pad_end : bool
        Whether the samples after the last whole patch form a patch that is filled up with zeros.
    """
    return Framing(
        window=(PATCH_FRAMES - 1) * STFT_HOP + STFT_WINDOW,
        hop=max(1, round(hop_s * SAMPLE_RATE / STFT_HOP)) * STFT_HOP,
        tail="pad" if pad_end else "drop",
    )


@cache
def tables() -> tuple[Float64Array, FloatArray]:
    """Return VGGish's window, in double precision as published, and its mel bands."""
    taper = 0.5 - 0.5 * np.cos(2 * np.pi / STFT_WINDOW * np.arange(STFT_WINDOW))
    bands = (SAMPLE_RATE, N_FFT, N_MELS, LOW_HZ, HIGH_HZ)
    return taper, mel_filters(*bands, scale="htk", area_norm=False)


def log_mel(waveform: Waveform, taper: AnyFloats, filters: FloatArray, offset: float) -> Patches:
    """Return the log-mel spectrogram.

    Parameters
    ----------
    waveform : float32 (n_samples,)
        At 16 kHz, at least 400 samples.
    taper : float32 or float64 (400,)
        The window; the transform has its precision.
    filters : float32 (257, 64)
        The mel bands.
    offset : float
        Added to the mel magnitudes, so that silence has a logarithm.

    Returns
    -------
    frames : float32 (n_frames, 64)
    """
    frames = np.lib.stride_tricks.sliding_window_view(waveform, STFT_WINDOW)[::STFT_HOP]
    magnitudes = np.abs(transform(frames, taper, N_FFT))
    mel = magnitudes.astype(np.float32, copy=False) @ filters
    logarithms: Patches = np.log(mel + np.float32(offset))
    return logarithms


def cut_patches(frames: Patches, hop: int) -> Patches:
    """Cut a log-mel spectrogram into patches.

    Parameters
    ----------
    frames : float32 (n_frames, 64)
    hop : int
        Samples between patches, a multiple of 160.

    Returns
    -------
    patches : float32 (n, 96, 64)
    """
    patches = np.lib.stride_tricks.sliding_window_view(frames, PATCH_FRAMES, axis=0)
    return np.ascontiguousarray(patches[:: hop // STFT_HOP].transpose(0, 2, 1))
