from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.audio.wav_notes import WavNotes, read_wav_notes

GUANO = b"GUANO|Version: 1.0\nTimestamp: 2024-05-01T22:15:00+02:00\nSerial: S4U01234\n"


def chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def with_chunks(path: Path, *chunks: bytes) -> Path:
    """Write a WAV file with further chunks behind its sound."""
    soundfile.write(path, np.zeros(801, np.int16), 8000)
    data = path.read_bytes() + b"".join(chunks)
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    return path


def test_guano(tmp_path: Path) -> None:
    notes = read_wav_notes(with_chunks(tmp_path / "a.wav", chunk(b"guan", GUANO)))

    assert notes.guano["Timestamp"] == "2024-05-01T22:15:00+02:00"
    assert notes.guano["Serial"] == "S4U01234"


def test_list_of_information(tmp_path: Path) -> None:
    entries = b"INFO" + chunk(b"ICMT", b"Recorded at dusk\0") + chunk(b"ICRD", b"2024-05-01")
    notes = read_wav_notes(with_chunks(tmp_path / "a.wav", chunk(b"LIST", entries)))

    assert notes == WavNotes({}, "Recorded at dusk", "2024-05-01")


def test_broadcast_wav(tmp_path: Path) -> None:
    data = b"a recorder".ljust(320, b"\0") + b"2024-05-01" + b"22:15:00" + bytes(264)
    notes = read_wav_notes(with_chunks(tmp_path / "a.wav", chunk(b"bext", data)))

    assert notes.created == "2024-05-01 22:15:00"


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEguan\xff\xff\xff\xffx: y", b"no"]
)
def test_damaged_files_have_what_they_have(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)

    notes = read_wav_notes(tmp_path / "a.wav")

    assert notes.guano in ({}, {"x": "y"})
    assert read_wav_notes(tmp_path / "none.wav") == read_wav_notes(tmp_path) == WavNotes()


def test_every_byte_may_be_damaged(tmp_path: Path) -> None:
    path = with_chunks(tmp_path / "a.wav", chunk(b"guan", GUANO))
    whole = path.read_bytes()
    at = len(whole) - len(GUANO) - 9
    for place in (*range(44), *range(at, len(whole))):
        for value in (0, 0x7F, 0xFF):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            read_wav_notes(path)
