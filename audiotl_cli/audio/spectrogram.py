"""Short-time spectra and mel bands in NumPy, for the front ends of networks."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.types import Waveform

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating[Any]]

# Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above
_LINEAR_HZ = 200 / 3
_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27


@cache
def hann(length: int) -> FloatArray:
    """Return the periodic Hann window, float32 (length,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def spectra(waveform: Waveform, *, window: int, hop: int, n_fft: int) -> FloatArray:
    """Return magnitude spectra of Hann-windowed, uncentred frames.

    Parameters
    ----------
    waveform : float32 (n_samples,)
        At least `window` samples.
    window, hop, n_fft : int
        Samples; ``n_fft >= window``.

    Returns
    -------
    magnitudes : float32 (n_frames, n_fft // 2 + 1)
        Frame ``i`` begins at sample ``i * hop``; an incomplete last frame is left out.
    """
    frames = np.lib.stride_tricks.sliding_window_view(waveform, window)[::hop]
    spectrum = np.fft.rfft(frames * hann(window), n=n_fft, axis=1)
    return np.abs(spectrum).astype(np.float32, copy=False)


def transform(frames: AnyFloats, taper: AnyFloats, n_fft: int) -> npt.NDArray[Any]:
    """Return the Fourier transforms of tapered frames, in the precision of these.

    NumPy's own transform takes single precision to double and back, unless it is asked to
    scale: here by a power of two, so that undoing it rounds nothing. The numbers are those
    of SciPy, to the last bit, without the time its import takes.

    Parameters
    ----------
    frames : float32 or float64 (n, length)
    taper : float32 or float64 (length,)
        Every frame is multiplied by it.
    n_fft : int
        A power of two, at least ``length``.

    Returns
    -------
    spectra : complex64 or complex128 (n, n_fft // 2 + 1)
    """
    tapered = np.zeros((len(frames), n_fft), np.result_type(frames, taper))
    np.multiply(frames, taper, out=tapered[:, : len(taper)])
    scaled = np.fft.rfft(tapered, axis=1, norm="forward")
    scaled *= n_fft
    return scaled


@cache
def mel_filters(
    sample_rate: int,
    n_fft: int,
    n_mels: int,
    low_hz: float,
    high_hz: float,
    *,
    scale: Literal["slaney", "htk"],
    area_norm: bool,
) -> FloatArray:
    """Return triangular mel filters as a matrix to multiply spectra by.

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft, n_mels : int
    low_hz, high_hz : float
        Edges of the lowest and highest band.
    scale : {"slaney", "htk"}
        Slaney's triangles are straight in Hz; HTK's (VGGish, YAMNet) are straight in mel.
    area_norm : bool
        Whether every triangle has the same area over Hz rather than the same height.

    Returns
    -------
    filters : float32 (n_fft // 2 + 1, n_mels)
    """
    bins_hz = np.arange(n_fft // 2 + 1, dtype=np.float64) * (sample_rate / n_fft)
    if scale == "slaney":
        edges = slaney_edges(low_hz, high_hz, n_mels)
        position = bins_hz
    else:
        low_mel, high_mel = _to_htk(np.array([low_hz, high_hz]))
        edges = np.linspace(low_mel, high_mel, n_mels + 2)
        position = _to_htk(bins_hz)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (position[:, None] - low) / (centre - low)
    falling = (high - position[:, None]) / (high - centre)
    filters = np.maximum(0, np.minimum(rising, falling))
    if scale == "htk":
        filters[0] = 0  # the published HTK front ends leave the zero-frequency bin out
    if area_norm:
        filters *= 2 / (high - low)
    return filters.astype(np.float32)


def slaney_edges(low_hz: float, high_hz: float, n_mels: int) -> Float64Array:
    """Return the edges of bands on Slaney's mel scale, (n_mels + 2,) in Hz."""
    low, high = _to_slaney(np.array([low_hz, high_hz]))
    return _from_slaney(np.linspace(low, high, n_mels + 2))


@cache
def dct_matrix(n_in: int, n_out: int) -> FloatArray:
    """Return the orthonormal DCT-II as a matrix, float32 (n_in, n_out)."""
    angles = np.pi / n_in * (np.arange(n_in)[:, None] + 0.5) * np.arange(n_out)
    matrix: FloatArray = (np.cos(angles) * np.sqrt(2 / n_in)).astype(np.float32)
    matrix[:, 0] /= np.sqrt(2)
    return matrix


def _to_slaney(hz: Float64Array) -> Float64Array:
    log_part = _KNEE_MEL + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    mel: Float64Array = np.where(hz < _KNEE_HZ, hz / _LINEAR_HZ, log_part)
    return mel


def _from_slaney(mel: Float64Array) -> Float64Array:
    log_part = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    hz: Float64Array = np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, log_part)
    return hz


def _to_htk(hz: Float64Array) -> Float64Array:
    mel: Float64Array = 1127.0 * np.log(1.0 + hz / 700.0)
    return mel
