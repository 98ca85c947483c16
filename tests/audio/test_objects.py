"""Sound files on object storage, here in memory."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from audiotl_cli.audio.decode import probe
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import AudioError, StorageError
from audiotl_cli.storage.remote import RemotePath
from tests.sounds import encode, noise, write_wav

NUMBERS = itertools.count()
RATE = 16_000


@pytest.fixture
def place(memory_storage: None) -> RemotePath:
    return RemotePath(f"memory:///sounds-{next(NUMBERS)}")


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "a.wav", noise(RATE), RATE)


def out_of_reach(self: RemotePath, *_: object) -> bytes:
    raise StorageError(f"{self.url}: out of reach")


def denied(self: RemotePath, *_: object) -> bytes:
    raise PermissionError(13, "access denied", self.url)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac", "a.ogg", "a.m4a"])
def test_headers_are_the_same_as_on_a_disk(place: RemotePath, tmp_path: Path, name: str) -> None:
    import soundfile

    if name == "a.m4a":
        encode(tmp_path / name, noise(RATE), RATE, "aac")
    else:
        soundfile.write(tmp_path / name, noise(RATE), RATE)
    (place / name).write_bytes((tmp_path / name).read_bytes())
    assert probe(place / name) == probe(tmp_path / name)


def test_only_the_header_of_a_long_recording_is_read(
    place: RemotePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wav(tmp_path / "long.wav", np.zeros(RATE * 60), RATE)
    (place / "long.wav").write_bytes((tmp_path / "long.wav").read_bytes())
    n_bytes = 0
    read_range = RemotePath.read_range

    def counted(self: RemotePath, first: int, last: int) -> bytes:
        nonlocal n_bytes
        n_bytes += last - first
        return read_range(self, first, last)

    monkeypatch.setattr(RemotePath, "read_range", counted)
    assert probe(place / "long.wav").duration_s == 60
    assert 0 < n_bytes < 1_200_000 < (tmp_path / "long.wav").stat().st_size


def test_one_cut_short_is_noticed(place: RemotePath, wav: Path) -> None:
    (place / "a.wav").write_bytes(wav.read_bytes()[:-100])
    assert probe(place / "a.wav").truncated


@pytest.mark.parametrize(
    ("content", "code"), [(None, "missing"), (b"", "empty"), (b"no sound", "unreadable")]
)
def test_what_is_no_sound(place: RemotePath, content: bytes | None, code: str) -> None:
    if content is not None:
        (place / "a.wav").write_bytes(content)
    with pytest.raises(AudioError) as told:
        probe(place / "a.wav")
    assert told.value.code == code


def test_a_storage_out_of_reach_is_no_damaged_file(
    place: RemotePath, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "a.wav").write_bytes(wav.read_bytes())
    monkeypatch.setattr(RemotePath, "read_range", out_of_reach)
    with pytest.raises(StorageError, match="out of reach"):
        probe(place / "a.wav")
    monkeypatch.setattr(RemotePath, "read_range", denied)
    with pytest.raises(StorageError, match="access denied"):
        probe(place / "a.wav")


def test_decoding_gives_what_a_disk_gives(place: RemotePath, wav: Path) -> None:
    (place / "a.wav").write_bytes(wav.read_bytes())
    with Decoders(1) as decoders:
        decoders.expect(AudioSource(place / "a.wav"))
        for start_s, end_s in ((None, None), (0.25, 0.5)):
            got, expected = (
                np.concatenate(
                    list(decoders.read_blocks_at(AudioSource(path, start_s, end_s), 22_050, "soxr"))
                )
                for path in (place / "a.wav", wav)
            )
            np.testing.assert_array_equal(got, expected)


def test_what_cannot_be_fetched_costs_itself(
    place: RemotePath, wav: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.wav", "b.wav"):
        (place / name).write_bytes(wav.read_bytes())
    with Decoders(1) as decoders:
        with pytest.raises(AudioError, match="no such file"):
            list(decoders.read_blocks_at(AudioSource(place / "c.wav"), RATE, "soxr"))
        with monkeypatch.context() as broken:
            broken.setattr(RemotePath, "download", denied)
            with pytest.raises(AudioError, match=r"cannot be fetched .access denied."):
                list(decoders.read_blocks_at(AudioSource(place / "a.wav"), RATE, "soxr"))
        assert list(decoders.read_blocks_at(AudioSource(place / "b.wav"), RATE, "soxr"))


def test_recordings_are_listed_without_hidden_ones_and_other_files(place: RemotePath) -> None:
    names = ["b.wav", "a/x.FLAC", "a b//c [1].ogg", ".a/x.wav", "a/.x.wav", "notes.txt"]
    for name in names:
        (place / name).write_bytes(b"")
    assert find_recordings(place) == sorted(place / name for name in names[:3])
