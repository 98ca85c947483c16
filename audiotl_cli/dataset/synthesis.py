"""Building blocks of synthetic sounds: modes, bursts, filtered noise, slow curves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.types import Waveform

Signal = npt.NDArray[np.float64]
Rng = np.random.Generator

SAMPLE_RATE = 22_050  # Hz


def log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def rms(x: Signal) -> float:
    return float(np.sqrt(np.mean(x**2))) + 1e-12


def unit(x: Signal, peak: float = 1.0) -> Waveform:
    return (x * (peak / (float(np.max(np.abs(x))) + 1e-12))).astype(np.float32)


def add(out: Signal, start: int, event: Signal) -> None:
    """Mix an event into `out` from sample `start` on, dropping what falls beyond the end."""
    n = max(0, min(event.size, out.size - start))
    out[start : start + n] += event[:n]


def beats(rng: Rng, n_samples: int, every: float, spread: float) -> list[int]:
    """Give start samples about `every` seconds apart, each off by `spread` seconds or so."""
    regular = np.arange(rng.uniform(0, 0.5 * min(every, 0.8)), n_samples / SAMPLE_RATE, every)
    starts = np.rint((regular + rng.normal(0, spread, regular.size)) * SAMPLE_RATE)
    return [int(start) for start in np.clip(starts, 0, n_samples - 1)]


def wander(rng: Rng, n_samples: int, rate: float) -> Signal:
    """Draw a slow random curve within -1 to 1 that turns about `rate` times a second."""
    points = rng.uniform(-1, 1, int(n_samples / SAMPLE_RATE * rate) + 3)
    at = np.arange(n_samples) * rate / SAMPLE_RATE + rng.uniform()
    return np.interp(at, np.arange(points.size), points)


def smooth(x: Signal, seconds: float) -> Signal:
    window = np.hanning(max(3, round(seconds * SAMPLE_RATE)))
    return convolve(x, window / window.sum())


def voice(pitch: Signal, overtones: Signal) -> Signal:
    """Sound a harmonic tone that follows `pitch` (Hz per sample), without aliasing."""
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    out = np.zeros(pitch.size)
    for order, amplitude in enumerate(overtones, start=1):
        if order * np.max(pitch) < 0.48 * SAMPLE_RATE:
            out += amplitude * np.sin(order * phase)
    return out


def modes(freqs: Signal, decays: Signal, amplitudes: Signal, n_samples: int) -> Signal:
    """Sum decaying sines (Hz, time constants in seconds), those above Nyquist left out."""
    audible = freqs < 0.48 * SAMPLE_RATE
    poles = (2j * np.pi * freqs - 1 / decays)[audible] / SAMPLE_RATE
    # exp(p (a + b)) = exp(p a) exp(p b): a matrix product spares most of the exponentials;
    # einsum, unlike @, rounds the same whatever number of threads the machine has.
    block = int(np.ceil(np.sqrt(n_samples)))
    coarse = np.exp(np.outer(np.arange(block) * block, poles)) * amplitudes[audible]
    fine = np.exp(np.outer(poles, np.arange(block)))
    return np.ravel(np.einsum("am,mb->ab", coarse, fine).imag)[:n_samples]


def burst(rng: Rng, decay: float, slope: float, low: float, high: float) -> Signal:
    """Make a decaying burst of noise with a peak of 1; `decay` is a time constant, seconds."""
    hiss = noise(rng, round(6 * decay * SAMPLE_RATE), slope, low, high)
    hiss *= np.exp(-np.arange(hiss.size) / (decay * SAMPLE_RATE))
    return hiss / float(np.max(np.abs(hiss)))


def noise(rng: Rng, n_samples: int, slope: float, low: float, high: float) -> Signal:
    """Make noise whose power falls as 1 / f ** `slope` between `low` and `high` Hz."""
    return filter(rng.normal(0, 1, n_samples), slope, low, high)


def filter(x: Signal, slope: float, low: float, high: float) -> Signal:
    """Keep `low` to `high` Hz, with gentle edges, and tilt the power by 1 / f ** `slope`."""
    size = 1 << x.size.bit_length()
    freqs = np.maximum(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), 1.0)
    gain = freqs ** (-slope / 2) / np.sqrt((1 + (low / freqs) ** 6) * (1 + (freqs / high) ** 6))
    return np.fft.irfft(np.fft.rfft(x, size) * gain, size)[: x.size]


def convolve(x: Signal, kernel: Signal) -> Signal:
    """Convolve by Fourier transform, keeping the length of `x`."""
    size = 1 << (x.size + kernel.size).bit_length()
    spectrum = np.fft.rfft(x, size) * np.fft.rfft(kernel, size)
    return np.fft.irfft(spectrum, size)[: x.size]
