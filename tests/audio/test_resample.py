from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.audio.resample import read_blocks_at, resample, resample_blocks
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.extractor_config import RESAMPLERS
from tests.sounds import noise, sine, strongest_hz, write_wav

RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000]


def in_blocks(waveform: Waveform, sizes: list[int], rate: int) -> Iterator[tuple[Waveform, int]]:
    """Cut a waveform into blocks of these sizes, used over and over."""
    first = turn = 0
    while first < len(waveform):
        last = first + sizes[turn % len(sizes)]
        yield waveform[first:last], rate
        first, turn = last, turn + 1


@settings(max_examples=40, deadline=None)
@given(
    n_samples=st.integers(1, 6000),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    rate=st.sampled_from(RATES),
    to_rate=st.sampled_from([16000, 22050, 48000]),
)
def test_streamed_equals_one_shot_bit_for_bit(
    n_samples: int, sizes: list[int], rate: int, to_rate: int
) -> None:
    if n_samples / min(sizes) > 400:
        sizes = [max(size, n_samples // 400 + 1) for size in sizes]
    waveform = noise(n_samples, seed=n_samples)
    parts = list(resample_blocks(in_blocks(waveform, sizes, rate), to_rate, "soxr"))
    assert all(len(part) for part in parts)
    streamed = np.concatenate([*parts, waveform[:0]])
    assert streamed.dtype == np.float32
    np.testing.assert_array_equal(streamed, resample(waveform, rate, to_rate, "soxr"))


def test_soxr_is_its_high_quality_one_shot() -> None:
    waveform = noise(30_000)
    expected = soxr.resample(waveform, 44100, 16000, quality="HQ")
    np.testing.assert_array_equal(resample(waveform, 44100, 16000, "soxr"), expected)


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize(("rate", "to_rate"), [(44100, 16000), (8000, 22050), (48000, 22050)])
def test_pitch_level_and_length_are_kept(resampler: str, rate: int, to_rate: int) -> None:
    result = resample(sine(1234.5, rate, rate), rate, to_rate, resampler)
    assert result.dtype == np.float32
    assert abs(len(result) - to_rate) <= 1
    middle = result[to_rate // 4 : 3 * to_rate // 4]
    assert strongest_hz(middle, to_rate) == pytest.approx(1234.5, abs=0.1)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("resampler", "below"), [("soxr", 1e-5), ("resampy", 1e-3)])
def test_what_the_new_rate_cannot_hold_is_filtered_out(resampler: str, below: float) -> None:
    result = resample(sine(12_000, 44100, 44100), 44100, 16000, resampler)
    assert np.abs(result[2000:-2000]).max() < below


@pytest.mark.parametrize("rate", RATES)
def test_length_follows_the_rates(rate: int) -> None:
    for n_samples in (1000, 12_345):
        result = resample(noise(n_samples), rate, 16000, "soxr")
        assert abs(len(result) - n_samples * 16000 / rate) <= 2


@pytest.mark.parametrize("resampler", RESAMPLERS)
def test_same_rate_is_passed_through(resampler: str) -> None:
    waveform = noise(500)
    assert np.array_equal(resample(waveform, 16000, 16000, resampler), waveform)


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize("n_samples", [1, 2, 11])
def test_a_few_samples_give_a_few_or_none(resampler: str, n_samples: int) -> None:
    for rate in (8000, 22050, 192000):
        result = resample(np.full(n_samples, 0.5, np.float32), rate, 16000, resampler)
        assert len(result) <= 2 * n_samples + 1
        assert np.isfinite(result).all()


def test_resampy_does_not_depend_on_blocks() -> None:
    waveform = noise(5000)
    whole = resample(waveform, 44100, 16000, "resampy")
    parts = list(resample_blocks(in_blocks(waveform, [700, 1], 44100), 16000, "resampy"))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_unknown_resampler_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown resampler 'sox'; choose from soxr, resampy"):
        resample(noise(10), 8000, 16000, "sox")


def test_file_is_decoded_at_the_rate_asked_for(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", sine(500, 44100, 44100), 44100)
    blocks = read_blocks_at(AudioSource(path, 0.25, 0.75), 16000, "soxr")
    result = np.concatenate(list(blocks))
    assert abs(len(result) - 8000) <= 1
    assert strongest_hz(result, 16000) == pytest.approx(500, abs=0.5)


def test_not_finite_samples_are_stopped_before_the_resampler(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", [0.0, float("nan"), 0.0], 44100)
    with pytest.raises(AudioError) as caught:
        list(read_blocks_at(AudioSource(path), 16000, "soxr"))
    assert caught.value.code == "not_finite"
