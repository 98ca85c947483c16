from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from audiotl_cli.audio.cut_short import is_cut_short
from audiotl_cli.audio.decode import probe
from tests.sounds import noise, write_wav


@pytest.mark.parametrize(
    ("kind", "order"), [("WAV", "LITTLE"), ("WAV", "BIG"), ("WAVEX", "FILE"), ("AIFF", "FILE")]
)
@pytest.mark.parametrize("n_samples", [999, 1000])
def test_every_cut_is_told_and_a_whole_file_is_not(
    tmp_path: Path, kind: str, order: str, n_samples: int
) -> None:
    path = tmp_path / "x"
    soundfile.write(path, noise(n_samples), 8000, "PCM_16", endian=order, format=kind)
    assert not probe(path).truncated
    content = path.read_bytes()
    at = content.index(b"SSND" if kind == "AIFF" else b"data")
    for n_bytes in (at + 8, at + 9, at + 1500, at + 8 + 2 * n_samples - 2):
        path.write_bytes(content[:n_bytes])
        assert is_cut_short(path)


def test_what_follows_the_samples_is_not_counted(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "x.wav", noise(1000), 8000)
    path.write_bytes(path.read_bytes() + b"LIST")
    assert not is_cut_short(path)


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4)])
def test_streams_that_did_not_know_their_length_are_whole(tmp_path: Path, size: bytes) -> None:
    path = write_wav(tmp_path / "x.wav", noise(1000), 8000, "PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = size
    path.write_bytes(content)
    assert not is_cut_short(path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"OggS" * 9, b"FORM" * 9])
def test_what_has_no_samples_is_not_cut_short(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    assert not is_cut_short(path)


@pytest.mark.parametrize(
    ("form", "subtype", "rate"),
    [("OGG", "VORBIS", 44_100), ("OGG", "OPUS", 48_000), ("MP3", "MPEG_LAYER_III", 44_100)],
)
def test_compressed_files_tell_too(tmp_path: Path, form: str, subtype: str, rate: int) -> None:
    path = tmp_path / "x"
    soundfile.write(path, noise(3 * rate), rate, subtype, format=form)
    content = path.read_bytes()
    assert not is_cut_short(path)
    path.write_bytes(content + b"TAG" + bytes(125))  # as taggers add
    assert not is_cut_short(path)
    for share in (0.9, 0.5, 0.2):
        path.write_bytes(content[: round(share * len(content))])
        assert is_cut_short(path)


def test_an_mp3_behind_a_tag_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    soundfile.write(path, noise(88_200), 44_100)
    tagged = b"ID3\4\0\0\0\0\2\0" + bytes(256) + path.read_bytes()
    path.write_bytes(tagged)
    assert not is_cut_short(path)
    path.write_bytes(tagged[: len(tagged) // 2])
    assert is_cut_short(path)


@pytest.mark.parametrize(
    "content", [b"ID3", b"\xff\xfb", b"\xff" * 99, b"ID3\4\0\0\x7f\x7f\x7f\x7f"]
)
def test_what_is_hardly_an_mp3_is_not_cut_short(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    assert not is_cut_short(path)
