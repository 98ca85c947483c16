from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.extractors.mfcc import MfccExtractor, mfcc
from audiotl_cli.extractors.pipeline import embed_sources
from tests.sounds import noise, sine, write_wav


def slow_mfcc(waveform: Waveform, at: int) -> list[float]:
    """Compute the 20 coefficients of the frame at a sample from the textbook, in doubles."""
    n_fft, n_mels = 2048, 128

    def mel_to_hz(mel: float) -> float:
        return mel * 200 / 3 if mel < 15 else 1000 * math.exp(math.log(6.4) / 27 * (mel - 15))

    def hz_to_mel(hz: float) -> float:
        return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)

    windowed = [
        float(waveform[at + n]) * (0.5 - 0.5 * math.cos(2 * math.pi * n / n_fft))
        for n in range(n_fft)
    ]
    angles = -2 * np.pi / n_fft * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft))
    spectrum = (np.cos(angles) + 1j * np.sin(angles)) @ np.array(windowed)
    power = spectrum.real**2 + spectrum.imag**2
    top = hz_to_mel(11025)
    edges = [mel_to_hz(top * i / (n_mels + 1)) for i in range(n_mels + 2)]
    decibel = []
    for low, centre, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        energy = 0.0
        for k, value in enumerate(power):
            hz = k * 22050 / n_fft
            if low < hz <= centre:
                energy += value * (hz - low) / (centre - low)
            elif centre < hz < high:
                energy += value * (high - hz) / (high - centre)
        decibel.append(10 * math.log10(max(energy * 2 / (high - low), 1e-10)))
    coefficients = []
    for k in range(20):
        total = sum(
            value * math.cos(math.pi * k * (2 * m + 1) / (2 * n_mels))
            for m, value in enumerate(decibel)
        )
        coefficients.append(total * math.sqrt((1 if k == 0 else 2) / n_mels))
    return coefficients


@pytest.mark.parametrize("kind", ["sine", "noise"])
def test_agrees_with_a_slow_computation(kind: str) -> None:
    waveform = noise(22050, seed=1) if kind == "noise" else sine(440, 22050, 22050)
    waveform += noise(22050, seed=2, peak=0.01)  # so that no band is next to nothing
    found = mfcc(waveform)
    assert found.shape == (40, 20)
    for frame in (0, 17, 39):
        np.testing.assert_allclose(found[frame], slow_mfcc(waveform, 512 * frame), atol=0.02)


def test_statistics_are_mean_and_deviation_with_slopes() -> None:
    # a coefficient that rises by 2 a frame: slope 2 inside, slope of the slope about 0
    rising = np.zeros((1, 40, 20), np.float32)
    rising[0, :, 3] = 2 * np.arange(40)
    frame = MfccExtractor().forward(rising)
    assert frame.shape == (1, 1, 120)
    assert frame[0, 0, 3] == pytest.approx(39)
    assert frame[0, 0, 60 + 3] == pytest.approx(np.std(2 * np.arange(40)))
    # the ends see a repeated edge: at 0 to 3 frames from it the fit is flatter
    slopes = []
    for at in range(40):
        ahead = [min(at + k, 39) for k in range(1, 5)]
        behind = [max(at - k, 0) for k in range(1, 5)]
        total = sum(k * 2 * (a - b) for k, a, b in zip(range(1, 5), ahead, behind, strict=True))
        slopes.append(total / 60)
    assert frame[0, 0, 23] == pytest.approx(np.mean(slopes), rel=1e-5)
    assert slopes[20] == 2
    others = [i for i in range(120) if i % 20 != 3]
    assert not frame[0, 0, others].any()


@pytest.mark.parametrize(
    ("n_samples", "rate", "n_frames"),
    [(22050, 22050, 1), (44099, 22050, 1), (44100, 22050, 2), (16000 * 5, 16000, 5), (10, 8000, 1)],
)
def test_shape_and_times(n_samples: int, rate: int, n_frames: int) -> None:
    found = MfccExtractor().embed(noise(n_samples), rate)
    assert found.frames.shape == (n_frames, 120)
    assert found.frames.dtype == np.float32
    assert found.times.tolist() == list(range(n_frames))


def test_same_sound_same_numbers() -> None:
    waveform = noise(60_000)
    first = MfccExtractor().embed(waveform, 44100).frames
    np.testing.assert_array_equal(MfccExtractor().embed(waveform, 44100).frames, first)


@pytest.mark.parametrize("n_samples", [1, 2, 100, 22050, 50_000])
def test_silence_and_little_give_finite_numbers(n_samples: int) -> None:
    for peak in (0.0, 1e-30):
        waveform = np.full(n_samples, peak, np.float32)
        for rate in (8000, 22050, 192000):
            assert np.isfinite(MfccExtractor().embed(waveform, rate).frames).all()


def test_silence_is_the_floor_in_every_band() -> None:
    (frame,) = MfccExtractor().embed(np.zeros(22050, np.float32), 22050).frames
    # -100 dB in 128 bands: only the first coefficient is not 0
    assert frame[0] == pytest.approx(-100 * math.sqrt(128), rel=1e-5)
    np.testing.assert_allclose(frame[1:], 0, atol=2e-3)


def test_short_sounds_are_repeated() -> None:
    short = noise(5000)
    filled = np.resize(short, 22050)
    np.testing.assert_array_equal(
        MfccExtractor().embed(short, 22050).frames, MfccExtractor().embed(filled, 22050).frames
    )


def test_stereo_is_the_mean_of_its_channels() -> None:
    left, right = noise(30_000, seed=1), noise(30_000, seed=2)
    stereo = MfccExtractor().embed(np.stack([left, right], axis=1), 22050)
    mono = MfccExtractor().embed((left + right) / 2, 22050)
    np.testing.assert_allclose(stereo.frames, mono.frames, atol=1e-2)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000, 192000])
def test_rate_of_the_file_hardly_shows(tmp_path: Path, rate: int) -> None:
    def recording(at_rate: int) -> Waveform:
        tones = [sine(hz, at_rate, at_rate, 0.1) for hz in (300, 500, 900, 1700, 2900)]
        mixed: Waveform = np.stack(tones).sum(axis=0).astype(np.float32)
        return mixed

    path = write_wav(tmp_path / "x.wav", recording(rate), rate)
    (result,) = embed_sources(MfccExtractor(), [AudioSource(path)], workers=1)
    assert result.embeddings is not None
    expected = MfccExtractor().embed(recording(22050), 22050).frames
    assert result.embeddings.frames.shape == (1, 120)
    assert np.isfinite(result.embeddings.frames).all()
    first, second = result.embeddings.frames[0, :20], expected[0, :20]
    similarity = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert similarity > 0.95


def test_description() -> None:
    extractor = MfccExtractor(hop_s=0.5)
    assert (extractor.name, extractor.sample_rate, extractor.window_s) == ("mfcc", 22050, 1.0)
    assert (extractor.dim, extractor.hop_s, extractor.layer) == (120, 0.5, "statistics")
    assert extractor.describe().weights == "none"
    assert len(extractor.embed(noise(44100), 22050).frames) == 3
