from __future__ import annotations

import math
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio.decode import BLOCK_SAMPLES, probe, read, read_blocks
from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.audio.types import AudioInfo, AudioSource, Waveform
from audiotl_cli.errors import AudioError
from tests.sounds import noise, sine, strongest_hz, write_wav

MIB = 1 << 20


def write(path: Path, samples: object, rate: int, kind: str, subtype: str | None) -> Path:
    soundfile.write(path, samples, rate, format=kind, subtype=subtype)
    return path


def error_of(act: Callable[[], object]) -> AudioError:
    with pytest.raises(AudioError) as caught:
        act()
    return caught.value


def decoded_or_code(path: Path) -> Waveform | str:
    """Return the samples of a file, or the code of the error it gives."""
    try:
        return read(AudioSource(path))[0]
    except AudioError as error:
        return error.code


# --- formats -------------------------------------------------------------------------

LOSSLESS = [
    ("wav", "WAV", "PCM_U8", 1 / 128),
    ("wav", "WAV", "PCM_16", 1 / 32768),
    ("wav", "WAV", "PCM_24", 1 / 8388608),
    ("wav", "WAV", "PCM_32", 1e-7),
    ("wav", "WAV", "FLOAT", 0.0),
    ("wav", "WAV", "DOUBLE", 0.0),
    ("wav", "WAVEX", "PCM_16", 1 / 32768),
    ("wav", "RF64", "PCM_16", 1 / 32768),
    ("rf64", "RF64", "PCM_24", 1 / 8388608),
    ("flac", "FLAC", "PCM_S8", 1 / 128),
    ("flac", "FLAC", "PCM_16", 1 / 32768),
    ("flac", "FLAC", "PCM_24", 1 / 8388608),
    ("aiff", "AIFF", "PCM_16", 1 / 32768),
    ("aif", "AIFF", "PCM_24", 1 / 8388608),
    ("aifc", "AIFF", "FLOAT", 0.0),
    ("au", "AU", "PCM_16", 1 / 32768),
    ("snd", "AU", "FLOAT", 0.0),
    ("caf", "CAF", "PCM_24", 1 / 8388608),
    ("caf", "CAF", "ALAC_16", 1 / 32768),
    ("w64", "W64", "PCM_16", 1 / 32768),
    ("w64", "W64", "FLOAT", 0.0),
    ("voc", "VOC", "PCM_16", 1 / 32768),
    ("sph", "NIST", "PCM_16", 1 / 32768),
]


@pytest.mark.parametrize(("ending", "kind", "subtype", "step"), LOSSLESS)
def test_lossless_formats_give_back_what_was_written(
    tmp_path: Path, ending: str, kind: str, subtype: str, step: float
) -> None:
    written = noise(3001, seed=4)
    path = write(tmp_path / f"x.{ending}", written, 22050, kind, subtype)
    samples, rate = read(AudioSource(path))
    assert rate == 22050
    assert samples.dtype == np.float32
    assert samples.shape == (3001,)
    np.testing.assert_allclose(samples, written, rtol=0, atol=step)


@pytest.mark.parametrize(
    ("ending", "kind", "subtype", "rate", "allowed"),
    [
        ("ogg", "OGG", "VORBIS", 44100, 0.02),
        ("oga", "OGG", "VORBIS", 8000, 0.02),
        ("mp3", "MP3", "MPEG_LAYER_III", 44100, 0.02),
        ("mp3", "MP3", "MPEG_LAYER_III", 16000, 0.02),
        ("wav", "WAV", "ULAW", 8000, 0.02),
        ("wav", "WAV", "IMA_ADPCM", 22050, 0.02),
        ("wav", "WAV", "MS_ADPCM", 22050, 0.02),
        ("wav", "WAV", "ALAW", 8000, 0.02),
        ("wav", "WAV", "GSM610", 8000, 0.1),
        ("au", "AU", "ULAW", 8000, 0.02),
    ],
)
def test_lossy_formats_keep_a_sine(
    tmp_path: Path, ending: str, kind: str, subtype: str, rate: int, allowed: float
) -> None:
    written = sine(440, rate, rate)
    path = write(tmp_path / f"x.{ending}", written, rate, kind, subtype)
    samples, read_rate = read(AudioSource(path))
    assert read_rate == rate
    assert abs(len(samples) - rate) <= 1200  # codecs pad to whole blocks
    middle = slice(rate // 4, 3 * rate // 4)
    np.testing.assert_allclose(samples[middle], written[middle], rtol=0, atol=allowed)


def test_opus_keeps_pitch_and_level(tmp_path: Path) -> None:
    written = sine(440, 48000, 48000)
    path = write(tmp_path / "x.opus", written, 48000, "OGG", "OPUS")
    samples, rate = read(AudioSource(path))
    assert (rate, len(samples)) == (48000, 48000)
    assert strongest_hz(samples[12000:36000], rate) == pytest.approx(440, abs=0.5)
    assert np.abs(samples[12000:36000]).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 192000, 384000])
@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_every_common_rate_is_reported_as_written(tmp_path: Path, ending: str, rate: int) -> None:
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, noise(1000), rate, subtype="PCM_16")
    assert probe(path) == AudioInfo(sample_rate=rate, n_channels=1, duration_s=1000 / rate)
    assert read(AudioSource(path))[1] == rate


@pytest.mark.parametrize("n_channels", [1, 2, 4, 8])
@pytest.mark.parametrize("ending", ["wav", "flac", "caf"])
def test_channels_are_averaged(tmp_path: Path, ending: str, n_channels: int) -> None:
    channels = np.stack([noise(4000, seed=i) for i in range(n_channels)], axis=1)
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, channels, 16000, subtype="PCM_24")
    assert probe(path).n_channels == n_channels
    samples, _ = read(AudioSource(path))
    np.testing.assert_allclose(samples, channels.mean(axis=1), rtol=0, atol=3e-7)


def test_left_only_comes_out_at_half_level(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", [[0.5, 0.0], [-0.25, 0.0], [1.0, 0.0]], 8000)
    np.testing.assert_array_equal(
        read(AudioSource(path))[0], np.array([0.25, -0.125, 0.5], np.float32)
    )


def test_one_sample_is_read(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", [0.25], 8000)
    samples, rate = read(AudioSource(path))
    assert samples.tolist() == [0.25]
    assert rate == 8000


def test_blocks_are_bounded_and_join_to_the_whole(tmp_path: Path) -> None:
    written = np.stack([noise(300_000, seed=1), noise(300_000, seed=2)], axis=1)
    path = write_wav(tmp_path / "x.wav", written, 48000)
    blocks = list(read_blocks(AudioSource(path)))
    assert [len(block) for block, _ in blocks] == [131072, 131072, 37856]
    assert {rate for _, rate in blocks} == {48000}
    joined = np.concatenate([block for block, _ in blocks])
    np.testing.assert_array_equal(joined, written.mean(axis=1, dtype=np.float32))


# --- stretches -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start_s", "end_s", "first", "last"),
    [
        (None, None, 0, 8000),
        (0.0, 1.0, 0, 8000),
        (0.25, None, 2000, 8000),
        (None, 0.25, 0, 2000),
        (0.1, 0.3, 800, 2400),
        (0.5, 0.500125, 4000, 4001),
        (0.9, 5.0, 7200, 8000),
    ],
)
@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_stretch_is_that_part_of_the_whole(
    tmp_path: Path, ending: str, start_s: float | None, end_s: float | None, first: int, last: int
) -> None:
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, noise(8000), 8000)
    whole, _ = read(AudioSource(path))
    part, rate = read(AudioSource(path, start_s, end_s))
    assert rate == 8000
    np.testing.assert_allclose(part, whole[first:last], rtol=0, atol=1e-6)


def test_stretch_of_an_mp3_keeps_its_place(tmp_path: Path) -> None:
    rate = 16000
    written = np.zeros(4 * rate, np.float32)
    written[2 * rate : 3 * rate] = sine(1000, rate, rate)
    path = write(tmp_path / "x.mp3", written, rate, "MP3", None)
    sounding, _ = read(AudioSource(path, 2.2, 2.8))
    silent, _ = read(AudioSource(path, 0.5, 1.5))
    assert len(sounding) == 9600
    assert np.abs(sounding).max() > 0.4
    assert np.abs(silent).max() < 0.01


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [
        *(("MP3", "MPEG_LAYER_III", rate) for rate in (8000, 16000, 44100, 48000)),
        *(("OGG", "VORBIS", rate) for rate in (8000, 22050)),
        ("OGG", "OPUS", 48000),
        ("WAV", "GSM610", 8000),
        ("WAV", "MS_ADPCM", 22050),
        ("W64", "IMA_ADPCM", 22050),
    ],
)
def test_stretch_of_a_lossy_format_is_whole_from_its_first_sample(
    tmp_path: Path, kind: str, subtype: str, rate: int
) -> None:
    at_s = np.arange(15 * rate) / rate
    sweep = 0.4 * np.sin(2 * np.pi * (200 * at_s + 50 * at_s**2))  # blocks of a few bytes
    with soundfile.SoundFile(tmp_path / "x", "w", rate, 1, subtype, format=kind) as file:
        for first in range(0, len(sweep), 8192):  # libsndfile crashes over more of Vorbis
            file.write(sweep[first : first + 8192])
    whole, _ = read(AudioSource(tmp_path / "x"))
    for start_s in (0.1, 0.5, 5.0, 12.3, 14.4):
        stretch, _ = read(AudioSource(tmp_path / "x", start_s, start_s + 0.5))
        first = round(start_s * rate)
        np.testing.assert_allclose(stretch, whole[first : first + len(stretch)], rtol=0, atol=1e-6)


def test_stretch_beyond_the_end_is_empty(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", noise(8000), 8000)
    error = error_of(lambda: read(AudioSource(path, 1.5, 2.0)))
    assert error.code == "empty"
    assert str(error) == "holds no audio samples from 1.500 s on"


# --- what cannot be used -------------------------------------------------------------


def test_missing_file(tmp_path: Path) -> None:
    error = error_of(lambda: read(AudioSource(tmp_path / "no.wav")))
    assert (error.code, error.stage, str(error)) == ("missing", "open", "no such file")


def test_folder_called_wav(tmp_path: Path) -> None:
    (tmp_path / "x.wav").mkdir()
    error = error_of(lambda: probe(tmp_path / "x.wav"))
    assert (error.code, error.stage) == ("unreadable", "open")
    assert str(error) == "is a folder, not a sound file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    error = error_of(lambda: probe(tmp_path / "x.wav"))
    assert (error.code, error.stage) == ("unreadable", "open")


def test_name_too_long_for_any_file(tmp_path: Path) -> None:
    assert error_of(lambda: probe(tmp_path / ("x" * 5000 + ".wav"))).stage == "open"


def test_symlink_to_itself(tmp_path: Path) -> None:
    (tmp_path / "x.wav").symlink_to(tmp_path / "x.wav")
    assert error_of(lambda: probe(tmp_path / "x.wav")).stage == "open"


def test_file_of_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "x.wav").touch()
    error = error_of(lambda: read(AudioSource(tmp_path / "x.wav")))
    assert (error.code, error.stage) == ("empty", "open")
    assert str(error) == "is an empty file (0 bytes)"


def test_header_without_samples_is_empty(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", np.zeros(0, np.float32), 8000)
    assert probe(path).duration_s == 0.0
    error = error_of(lambda: read(AudioSource(path)))
    assert (error.code, str(error)) == ("empty", "holds no audio samples")


@pytest.mark.parametrize(
    "content",
    [
        b"a\n",
        b"The quick brown fox\n" * 400,
        b"RIFF",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"fLaC" + bytes(60),
        b"OggS" + bytes(200),
        b"\0" * 5000,
        b"<html><body>404</body></html>",
    ],
    ids=["a", "text", "riff", "riff-wave", "flac", "ogg", "zeros", "html"],
)
@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_what_is_not_sound_is_unreadable(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(content)
    error = error_of(lambda: read(AudioSource(path)))
    assert error.code == "unreadable"
    assert "\n" not in str(error)
    assert "exist" not in str(error)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_sound_or_an_audio_error(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(np.random.default_rng(seed).bytes(3000))
    found = decoded_or_code(path)
    if isinstance(found, str):
        assert found in ("unreadable", "empty", "not_finite", "bad_rate")
    else:  # a stray MPEG frame in the noise
        assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "W64", "AU"])
def test_damaged_headers_raise_nothing_but_audio_errors(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "x.bin", noise(2000), 16000, kind, None)
    sound = path.read_bytes()
    rng = np.random.default_rng(7)
    for _ in range(40):
        damaged = bytearray(sound)
        for at in rng.integers(0, min(120, len(sound)), 3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        found = decoded_or_code(path)
        assert isinstance(found, str) or np.isfinite(found).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_numbers_that_are_not_finite(tmp_path: Path, bad: float, subtype: str) -> None:
    samples = np.zeros(5000)
    samples[3210] = bad
    path = write_wav(tmp_path / "x.wav", samples, 8000, subtype)
    error = error_of(lambda: read(AudioSource(path)))
    assert (error.code, error.stage) == ("not_finite", "decode")


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_double_too_large_for_float32(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", np.full(100, 1e306), 8000, "DOUBLE")
    assert error_of(lambda: read(AudioSource(path))).code == "not_finite"


def test_wav_cut_short_gives_the_samples_that_are_there(tmp_path: Path) -> None:
    written = noise(8000)
    path = write_wav(tmp_path / "x.wav", written, 8000)
    path.write_bytes(path.read_bytes()[: -4 * 3000])
    samples, _ = read(AudioSource(path))
    np.testing.assert_array_equal(samples, written[: len(samples)])
    assert abs(len(samples) - 5000) <= 30


def test_flac_cut_short_is_unreadable_or_a_prefix(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    soundfile.write(path, noise(50_000), 16000, subtype="PCM_16")
    whole, _ = read(AudioSource(path))
    content = path.read_bytes()
    for share in (0.1, 0.5, 0.9999):
        path.write_bytes(content[: int(share * len(content))])
        error = error_of(lambda: read(AudioSource(path)))
        assert (error.code, error.stage) == ("unreadable", "decode")
        assert str(error).startswith("breaks off while decoding (")
    # the stretch before the damage can still be used
    np.testing.assert_array_equal(read(AudioSource(path, 0.0, 1.0))[0], whole[:16000])


def test_mp3_cut_short_gives_a_prefix(tmp_path: Path) -> None:
    rate = 16000
    written = sine(440, 4 * rate, rate)
    path = write(tmp_path / "x.mp3", written, rate, "MP3", None)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    samples, _ = read(AudioSource(path))
    assert 1.5 * rate < len(samples) < 2.5 * rate
    np.testing.assert_allclose(samples[rate // 4 : rate], written[rate // 4 : rate], atol=0.05)


def flac_claiming(path: Path, n_samples: int, n_claimed: int) -> Path:
    """Write a FLAC whose header has another number of samples; 0 stands for unknown."""
    soundfile.write(path, noise(n_samples), 16000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    # STREAMINFO: the number of samples is the low 36 bits of the 8 bytes at 18
    packed = int.from_bytes(content[18:26], "big")
    content[18:26] = (packed >> 36 << 36 | n_claimed).to_bytes(8, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("n_claimed", [0, 600_001, 1 << 35, (1 << 36) - 1])
def test_flac_claiming_another_length_is_read_to_its_end(tmp_path: Path, n_claimed: int) -> None:
    n_samples = 600_000  # several blocks
    path = flac_claiming(tmp_path / "x.flac", n_samples, n_claimed)
    assert math.isnan(probe(path).duration_s) == (n_claimed == 0)
    tracemalloc.start()
    blocks = [len(block) for block, _ in read_blocks(AudioSource(path))]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (sum(blocks), max(blocks)) == (n_samples, BLOCK_SAMPLES)
    assert peak < 8 * MIB
    whole, _ = read(AudioSource(path))
    part, _ = read(AudioSource(path, 10.0, 12.0))
    np.testing.assert_array_equal(part, whole[160_000:192_000])
    assert error_of(lambda: read(AudioSource(path, 40.0))).code in ("empty", "unreadable")


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg"])
def test_block_by_block_gives_the_numbers_of_one_go(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    soundfile.write(path, noise(600_000), 44100)
    whole, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(read(AudioSource(path))[0], whole)


@pytest.mark.parametrize("rate", [0, 1, 999, 768_001, (1 << 31) - 1])
def test_absurd_sample_rates_are_refused(tmp_path: Path, rate: int) -> None:
    path = write_wav(tmp_path / "x.wav", noise(100), 8000)
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", rate)
    path.write_bytes(content)
    error = error_of(lambda: read(AudioSource(path)))
    assert error.stage == "open"
    if rate:
        assert error.code == "bad_rate"
        assert str(error) == f"has a sample rate of {rate} Hz, expected 1000 to 768000"


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with soundfile.SoundFile(path, "w", 48000, 2, "PCM_16") as file:
        for _ in range(60):
            file.write(np.zeros((48000, 2), np.int16))
    list(read_blocks(AudioSource(path, 0.0, 0.1)))
    tracemalloc.start()
    n_samples = sum(len(block) for block, _ in read_blocks(AudioSource(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_samples == 60 * 48000
    assert peak < 6 * 4 * BLOCK_SAMPLES  # a few blocks, not the 23 MiB of the whole


# --- finding -------------------------------------------------------------------------

ODD_NAMES = [
    "line\nbreak.wav",
    "🐦 bird.wav",
    "Cafe\u0301.wav",
    "-dash.wav",
    "a[bold][link=x].wav",
    'comma,quote".wav',
    "=SUM(A1).wav",
    " leading and trailing .wav",
    "UPPER.WAV",
    os.fsdecode(b"latin-\xe9.wav"),
    "x" * 240 + ".wav",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_found_and_read(tmp_path: Path, name: str) -> None:
    write_wav(tmp_path / "plain.wav", [0.5, 0.25], 8000).rename(tmp_path / name)
    assert find_recordings(tmp_path) == [tmp_path / name]
    assert read(AudioSource(tmp_path / name))[0].tolist() == [0.5, 0.25]
    assert probe(tmp_path / name).sample_rate == 8000


def test_recordings_are_sorted_and_other_files_left_out(tmp_path: Path) -> None:
    for name in ["b/2.wav", "b/1.flac", "a.MP3", "notes.txt", "b/cover.jpg", "c/d/e/x.ogg", "wav"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_recordings(tmp_path)]
    assert found == ["a.MP3", "b/1.flac", "b/2.wav", "c/d/e/x.ogg"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in ["._a.wav", ".b.wav", ".git/c.wav", "d/.e/f.wav", "g.wav", ".wav"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_recordings(tmp_path) == [tmp_path / "g.wav"]


def test_recordings_below_a_hidden_folder_that_was_named_are_found(tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "a.wav").touch()
    assert find_recordings(tmp_path / ".data") == [tmp_path / ".data" / "a.wav"]


def test_symlink_loops_are_walked_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "x.wav").touch()
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    assert find_recordings(tmp_path) == [tmp_path / "a" / "x.wav"]


def test_linked_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.wav").touch()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "source" / "again").symlink_to(tmp_path / "elsewhere")
    assert find_recordings(tmp_path / "source") == [tmp_path / "source" / "again" / "x.wav"]


def test_folder_called_like_a_recording_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "x.wav").mkdir()
    (tmp_path / "x.wav" / "y.wav").touch()
    assert find_recordings(tmp_path) == [tmp_path / "x.wav" / "y.wav"]
