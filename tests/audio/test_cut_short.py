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
