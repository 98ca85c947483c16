"""Recordings joined into one file, and recordings that were never closed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio.decode import probe, read
from audiotl_cli.audio.measure import measure
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError
from tests.sounds import encode, noise, sine, write_wav

FORMS = {"ogg": ("VORBIS", 44_100), "opus": ("OPUS", 48_000), "mp3": ("MPEG_LAYER_III", 44_100)}


def part(folder: Path, kind: str, number: int, n_channels: int = 1, rate: int = 0) -> Path:
    """Write a recording of its own pitch and length."""
    subtype, usual_rate = FORMS[kind]
    samples = sine(300 + 200 * number, 30_000 + 5_000 * number, usual_rate)
    path = folder / f"{number}-{n_channels}-{rate}.{kind}"
    form = "MP3" if kind == "mp3" else "OGG"
    channels = np.stack([samples] * n_channels, axis=1)
    soundfile.write(path, channels, rate or usual_rate, subtype, format=form)
    return path


def decoded(path: Path) -> Waveform:
    return read(AudioSource(path))[0]


def join(path: Path, parts: list[Path], between: bytes = b"") -> Path:
    path.write_bytes(between.join(part.read_bytes() for part in parts))
    return path


ID3V1 = b"TAG" + bytes(125)
ID3V2 = b"ID3\4\0\0\0\0\2\0" + bytes(256)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("numbers", [(0, 1), (0, 0), (2, 0, 1)])
def test_joined_recordings_are_read_to_the_end(
    tmp_path: Path, kind: str, numbers: tuple[int, ...]
) -> None:
    parts = [part(tmp_path, kind, number) for number in numbers]
    path = join(tmp_path / f"joined.{kind}", parts)
    whole = np.concatenate([decoded(part) for part in parts])
    np.testing.assert_array_equal(decoded(path), whole)
    found = measure(AudioSource(path))
    assert (found.n_samples, found.cut_short, found.broken) == (len(whole), False, "")
    rate = FORMS[kind][1]
    stretch, _ = read(AudioSource(path, 0.5, 1.0))  # from the first into the second
    np.testing.assert_array_equal(stretch, whole[rate // 2 : rate])


@pytest.mark.parametrize("between", [ID3V1, ID3V2, ID3V1 + ID3V2, bytes(3000)])
def test_tags_between_mp3s_do_not_matter(tmp_path: Path, between: bytes) -> None:
    parts = [part(tmp_path, "mp3", number) for number in (0, 1)]
    path = join(tmp_path / "joined.mp3", parts, between)
    assert len(decoded(path)) == sum(len(decoded(part)) for part in parts)


@pytest.mark.parametrize(
    "after", [b"", ID3V1, ID3V1 + ID3V1, bytes(5000), b"\xff\xfb\x90\x00" * 99]
)
def test_what_follows_an_mp3_is_no_sound(tmp_path: Path, after: bytes) -> None:
    path = part(tmp_path, "mp3", 0)
    samples = decoded(path)
    path.write_bytes(path.read_bytes() + after)
    np.testing.assert_array_equal(decoded(path), samples)


def test_mp3s_of_another_encoder(tmp_path: Path) -> None:
    parts = [
        encode(tmp_path / f"{n}.mp3", sine(500, n, 44_100), 44_100, "libmp3lame")
        for n in (30_000, 50_001)
    ]
    assert len(decoded(join(tmp_path / "joined.mp3", parts))) == 80_001


@pytest.mark.parametrize("kind", FORMS)
def test_the_last_of_joined_recordings_may_be_cut(tmp_path: Path, kind: str) -> None:
    parts = [part(tmp_path, kind, number) for number in (0, 2)]
    path = join(tmp_path / f"joined.{kind}", parts)
    path.write_bytes(path.read_bytes()[: -parts[1].stat().st_size // 2])
    assert measure(AudioSource(path)).cut_short


@pytest.mark.parametrize(("n_channels", "rate"), [(2, 44_100), (1, 22_050)])
def test_a_recording_that_changes_its_form_is_refused(
    tmp_path: Path, n_channels: int, rate: int
) -> None:
    parts = [part(tmp_path, "ogg", 0), part(tmp_path, "ogg", 1, n_channels, rate)]
    path = join(tmp_path / "joined.ogg", parts)
    message = f"changes from 44100 Hz and 1 channel to {rate} Hz and {n_channels} channel"
    with pytest.raises(AudioError, match=message) as caught:
        decoded(path)
    assert caught.value.code == "unreadable"
    assert message in measure(AudioSource(path)).broken
    assert len(read(AudioSource(path, 0, 0.5))[0]) == 22_050


# --- never closed --------------------------------------------------------------------


def unclosed(content: bytes, *, riff: int = 0, size: int = 0) -> bytes:
    order = ">" if content[:4] == b"RIFX" else "<"
    at = content.index(b"data") + 4
    length = struct.pack(f"{order}I", size)
    return content[:4] + struct.pack(f"{order}I", riff) + content[8:at] + length + content[at + 4 :]


@pytest.mark.parametrize("riff", [0, 36, 0x7FFF_FFFF, 0xFFFF_FFFF])
@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
@pytest.mark.parametrize(
    ("subtype", "endian"), [("PCM_16", "LITTLE"), ("PCM_24", "BIG"), ("FLOAT", "LITTLE")]
)
def test_a_wav_that_was_never_closed_is_read_to_its_end(
    tmp_path: Path, riff: int, size: int, subtype: str, endian: str
) -> None:
    path, written = tmp_path / "x.wav", noise(9_000)
    soundfile.write(path, written, 16_000, subtype, endian=endian)
    path.write_bytes(unclosed(path.read_bytes(), riff=riff, size=size))
    np.testing.assert_allclose(decoded(path), written, rtol=0, atol=1 / 32768)
    assert measure(AudioSource(path)).n_samples == 9_000
    assert probe(path).duration_s == pytest.approx(9_000 / 16_000)
    stretch, _ = read(AudioSource(path, 0.1, 0.2))
    np.testing.assert_allclose(stretch, written[1_600:3_200], rtol=0, atol=1 / 32768)


@pytest.mark.parametrize("kind", ["RF64", "AU"])
def test_other_formats_that_were_never_closed(tmp_path: Path, kind: str) -> None:
    path, written = tmp_path / "x", noise(9_000)
    soundfile.write(path, written, 16_000, "PCM_16", format=kind)
    content = bytearray(path.read_bytes())
    sizes = slice(8, 12) if kind == "AU" else slice(20, 44)
    content[sizes] = bytes(sizes.stop - sizes.start)
    path.write_bytes(content)
    np.testing.assert_allclose(decoded(path), written, rtol=0, atol=1 / 32768)


def test_silence_that_was_never_closed_is_silence(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", np.zeros(999), 8_000, "PCM_16")
    path.write_bytes(unclosed(path.read_bytes()))
    assert len(decoded(path)) == 999


def test_chunks_after_no_samples_are_not_sound(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", np.zeros(0), 8_000, "PCM_16")
    path.write_bytes(path.read_bytes() + b"LIST\4\0\0\0INFObext\3\0\0\0abc\0")
    with pytest.raises(AudioError, match="holds no audio samples") as caught:
        decoded(path)
    assert caught.value.code == "empty"
