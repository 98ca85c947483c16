"""Signals the tests are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from audiotl_cli.audio.types import Waveform


def sine(frequency: float, n_samples: int, sample_rate: int, peak: float = 0.5) -> Waveform:
    at_s = np.arange(n_samples) / sample_rate
    return (peak * np.sin(2 * np.pi * frequency * at_s)).astype(np.float32)


def noise(n_samples: int, seed: int = 0, peak: float = 0.5) -> Waveform:
    rng = np.random.default_rng(seed)
    return rng.uniform(-peak, peak, n_samples).astype(np.float32)


def write_wav(path: Path, samples: npt.ArrayLike, sample_rate: int, subtype: str = "FLOAT") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.asarray(samples), sample_rate, subtype=subtype, format="WAV")
    return path


def strongest_hz(waveform: Waveform, sample_rate: int) -> float:
    """Return the frequency of the highest peak of the spectrum, to a hundredth of a bin."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    peak = int(spectrum.argmax())
    left, middle, right = np.log(spectrum[peak - 1 : peak + 2] + 1e-12)
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    return float((peak + offset) * sample_rate / len(waveform))
