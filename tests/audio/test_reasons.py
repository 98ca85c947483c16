"""Errors say why a recording is not there, or what the file is instead of one."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from audiotl_cli.audio.decode import probe
from audiotl_cli.errors import AudioError
from audiotl_cli.files import write_whole
from audiotl_cli.store.memo import HashMemo
from tests.dataset.folders import touch

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Mönch.wav") for form in ("NFC", "NFD"))


def error_of(path: Path) -> str:
    with pytest.raises(AudioError) as raised:
        probe(path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("there", "named", "message"),
    [
        ("a.WAV", "a.wav", "a.WAV is there, which differs only in upper and lower case"),
        (DECOMPOSED, COMPOSED, "which differs only in how accents are written"),
        ("Dog/a.wav", "dog/a.wav", "Dog is there, which differs only in upper and lower case"),
        ("a.flac", "a.wav", "but a.flac is there"),
        ("64000.wav", "64000", "but 64000.wav is there"),
        (".a.wav.icloud", "a.wav", "it is still in iCloud"),
        ("a.wav", "deep/er/a.wav", "there is no folder {root}/deep"),
    ],
)
def test_missing_files(tmp_path: Path, there: str, named: str, message: str) -> None:
    touch(tmp_path, there)
    if (tmp_path / named).exists():
        pytest.skip("this file system takes both names for one")

    error = error_of(tmp_path / named)

    assert error.startswith("no such file")
    assert message.format(root=tmp_path) in error
    with pytest.raises(AudioError) as raised:
        HashMemo(tmp_path / "memo").content(tmp_path / named)
    assert str(raised.value) == error


@pytest.mark.skipif(os.name != "posix", reason="no links")
def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.wav").symlink_to("/mnt/card/a.wav")
    assert "the link leads to /mnt/card/a.wav, which does not exist" in error_of(tmp_path / "a.wav")


def test_files_that_come_later_are_noticed(tmp_path: Path) -> None:
    assert error_of(tmp_path / "a.wav") == "no such file"
    touch(tmp_path, "a.flac")
    os.utime(tmp_path, (1, 1))
    assert error_of(tmp_path / "a.wav") == "no such file, but a.flac is there"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s9--0.wav\n", "git annex get"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "but a web page"),
        (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "but an XML document"),
        (b"PK\3\4\x14\0\1\0", "but an encrypted zip archive"),
        (b"PK\3\4\x14\0\0\0", "but a zip archive"),
        (b"\0" * 4096, "but zero bytes"),
        (b"\x89PNG\r\n", "but a picture"),
        (b"dear diary, today I recorded a frog\n", "is not a sound file, but text"),
        (b"\x93\x11\x08 no kind of file", "is not a sound file that can be decoded"),
    ],
)
def test_files_that_are_no_recordings(tmp_path: Path, content: bytes, message: str) -> None:
    write_whole(tmp_path / "a.wav", content)
    assert message in error_of(tmp_path / "a.wav")
