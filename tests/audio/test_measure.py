from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio.measure import Measurement, measure
from audiotl_cli.audio.resample import resample
from audiotl_cli.audio.types import AudioSource, Waveform
from tests.sounds import noise, sine, write_wav

RATE = 22_050


def measured(path: Path, start_s: float | None = None, end_s: float | None = None) -> Measurement:
    return measure(AudioSource(path, start_s, end_s))


def of_sound(path: Path, sound: object, rate: int = RATE, subtype: str = "FLOAT") -> Measurement:
    return measured(write_wav(path / "x.wav", sound, rate, subtype))  # type: ignore[arg-type]


def test_levels(tmp_path: Path) -> None:
    found = of_sound(tmp_path, np.array([[0.1, 0.5], [0.3, 0.5], [-0.1, 0.5]]))
    assert (found.sample_rate, found.n_channels, found.n_samples) == (RATE, 2, 3)
    assert found.swing == pytest.approx(0.2)
    assert found.offset == pytest.approx(0.5)
    assert found.deviation == pytest.approx(0, abs=1e-7)


def test_an_offset_alone_is_silence(tmp_path: Path) -> None:
    assert of_sound(tmp_path, np.full(1000, 0.7)).swing == 0


@pytest.mark.parametrize(
    ("wav", "other"), [("PCM_16", "flac"), ("PCM_16", "aiff"), ("PCM_24", "w64")]
)
def test_equal_samples_are_equal_in_every_form(tmp_path: Path, wav: str, other: str) -> None:
    first = write_wav(tmp_path / "x.wav", noise(5000), RATE, wav)
    second = tmp_path / f"y.{other}"
    soundfile.write(second, soundfile.read(first, dtype="int32")[0], RATE, subtype=wav)
    assert measured(first).pcm == measured(second).pcm


def test_other_samples_rates_and_channels_are_other_sounds(tmp_path: Path) -> None:
    sound = noise(5000)
    changed = sound.copy()
    changed[-1] += 1e-4
    found = [
        of_sound(tmp_path, sound),
        of_sound(tmp_path, changed),
        of_sound(tmp_path, sound, RATE + 1),
        of_sound(tmp_path, sound.reshape(-1, 2)),
    ]
    assert len({measurement.pcm for measurement in found}) == 4


def test_minus_zero_is_zero(tmp_path: Path) -> None:
    zeros = np.zeros(100, np.float32)
    assert of_sound(tmp_path, -zeros).pcm == of_sound(tmp_path, zeros).pcm


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.clip(4 * noise(3 * RATE).reshape(-1, 2), -1, 1)
    whole = of_sound(tmp_path, sound)
    monkeypatch.setattr("audiotl_cli.audio.decode.BLOCK_SAMPLES", 1234)
    parts = of_sound(tmp_path, sound)
    assert parts.clipped == whole.clipped > 0
    assert (parts.pcm, parts.original_rate) == (whole.pcm, whole.original_rate)
    assert parts.offset == pytest.approx(whole.offset)
    assert np.array_equal(parts.words, whole.words)


def test_flat_runs_at_full_scale_are_counted_from_the_third_sample(tmp_path: Path) -> None:
    sound = np.array([0.5, 1, 1, 0.2, 1, 1, 1, 1, 0.1, -1, -1, -1, 1, -1, 0.9, 0.9, 0.9, 0.9])
    assert of_sound(tmp_path, sound).clipped == 3 / len(sound)


def test_loud_is_not_clipped(tmp_path: Path) -> None:
    loud = sine(200.0, RATE, RATE, peak=1.0)
    assert of_sound(tmp_path, loud, subtype="PCM_16").clipped < 1e-3
    assert of_sound(tmp_path, 3 * loud).clipped < 1e-3  # floating point has room above
    assert of_sound(tmp_path, np.clip(1.2 * loud, -1, 1)).clipped > 0.1


@pytest.mark.parametrize(("ending", "subtype"), [("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III")])
def test_clipping_is_told_after_compression(tmp_path: Path, ending: str, subtype: str) -> None:
    loud = np.convolve(noise(2 * RATE), np.hanning(40), "same")
    path = tmp_path / f"x.{ending}"
    for gain, is_clipped in ((0.9, False), (3.0, True)):
        sound = np.clip(gain * loud / np.abs(loud).max(), -1, 1)
        soundfile.write(path, sound, RATE, subtype)
        assert (measured(path).clipped > 1e-3) == is_clipped


@pytest.mark.parametrize(
    ("rate", "to_rate"), [(8_000, 16_000), (8_000, 44_100), (16_000, 44_100), (22_050, 44_100),
                          (16_000, 32_000), (24_000, 48_000), (44_100, 96_000), (48_000, 96_000)]
)  # fmt: skip
@pytest.mark.parametrize("resampler", ["soxr", "resampy"])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_sounds_brought_up_are_told(
    tmp_path: Path, rate: int, to_rate: int, resampler: str, subtype: str
) -> None:
    sound = resample(noise(rate), rate, to_rate, resampler)
    assert of_sound(tmp_path, sound, to_rate, subtype).original_rate > 0


def dark(power: float) -> Waveform:
    """Return noise that falls by a power of the frequency."""
    spectrum = np.fft.rfft(noise(44_100))
    spectrum /= np.maximum(np.fft.rfftfreq(44_100, 1 / 44_100), 50.0) ** power
    sound = np.fft.irfft(spectrum)
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


@pytest.mark.parametrize(
    "sound",
    [noise(44_100), dark(1.0), dark(3.0), dark(6.0), sine(440, 44_100, 44_100),
     sine(3_900, 44_100, 44_100), np.zeros(44_100, np.float32), noise(100)],
    ids=["white", "dark", "darker", "darkest", "tone", "high tone", "silence", "short"],
)  # fmt: skip
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_sounds_dark_by_themselves_are_not(tmp_path: Path, sound: Waveform, subtype: str) -> None:
    assert of_sound(tmp_path, sound, 44_100, subtype).original_rate == 0


@pytest.mark.parametrize("level", [0.0, 0.4, 0.7])
@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("ending", ["ogg", "mp3"])
def test_what_compression_cuts_off_is_not(
    tmp_path: Path, ending: str, rate: int, level: float
) -> None:
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, noise(rate), rate, compression_level=level)
    assert measured(path).original_rate == 0


def test_a_stretch_is_measured_by_itself(tmp_path: Path) -> None:
    sound = np.concatenate([np.zeros(RATE), noise(RATE)])
    path = write_wav(tmp_path / "x.wav", sound, RATE)
    path.write_bytes(path.read_bytes()[:-400])
    first, second = measured(path, 0.0, 1.0), measured(path, 1.0, 1.5)
    assert (first.swing, first.n_samples) == (0.0, RATE)
    assert second.swing > 0.4
    assert not first.cut_short
    assert measured(path).cut_short


def test_json_and_back(tmp_path: Path) -> None:
    found = of_sound(tmp_path, noise(2 * RATE))
    again = Measurement.from_json(json.loads(found.as_json()))
    assert again.as_json() == found.as_json()
    assert again.words.dtype == np.uint32


def test_what_is_left_in_the_mono_mix(tmp_path: Path) -> None:
    one, other = noise(8000, 1)[:, None], noise(8000, 2)[:, None]

    def mixed(*channels: Waveform) -> Measurement:
        return of_sound(tmp_path, np.hstack(channels) + 0.1)  # an offset is no sound

    assert mixed(one, -one).mixed == pytest.approx(0, abs=1e-9)
    assert mixed(one, -one).cancels
    assert mixed(one, -0.9 * one).cancels
    assert mixed(one, -one, other, -other).cancels
    assert mixed(one, one).mixed == pytest.approx(2)
    assert mixed(one, other).mixed == pytest.approx(1, abs=0.05)
    silent = mixed(one, 0 * one, 0 * one)
    assert silent.mixed == pytest.approx(1)
    assert (silent.silent, silent.cancels) == ([1, 2], False)
    assert not mixed(0 * one, 0 * one).cancels


@pytest.mark.parametrize("n_samples", [1000, 96_000])
def test_shares_above_what_networks_hear(tmp_path: Path, n_samples: int) -> None:
    low, high = sine(1000, n_samples, 96_000, 0.1), sine(30_000, n_samples, 96_000, 0.1)

    def shares(sound: Waveform) -> Measurement:
        return of_sound(tmp_path, sound + 0.2, 96_000)

    assert shares(low).beyond == pytest.approx([0, 0, 0], abs=1e-3)
    assert shares(high).beyond == pytest.approx([1, 1, 1], abs=1e-3)
    assert shares(low + high).beyond == pytest.approx([0.5, 0.5, 0.5], abs=0.02)
    assert [shares(high).is_beyond(hz) for hz in (8_000, 16_000, 24_000, 48_000)] == [
        True, True, True, False
    ]  # fmt: skip


def test_the_blocks_of_a_decoder_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = noise(30_000)[:, None] * [1, -0.95]
    whole = of_sound(tmp_path, sound)
    monkeypatch.setattr("audiotl_cli.audio.decode.BLOCK_SAMPLES", 1026)
    parts = of_sound(tmp_path, sound)
    assert parts.mixed == pytest.approx(whole.mixed, rel=1e-9)
    assert parts.beyond == pytest.approx(whole.beyond, rel=1e-6)
