"""Names of tables are matched to recordings only where that is certain."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from audiotl_cli.dataset.finder import Finder
from tests.dataset.folders import touch

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Mönch.wav") for form in ("NFC", "NFD"))


def found(root: Path, files: str, *names: str) -> list[str]:
    touch(root, *files.split())
    find = Finder(root)
    find.expect(names)
    return [path for name in names if (path := find(name)) not in find.unmatched]


@pytest.mark.parametrize(
    ("files", "name", "path"),
    [
        ("a.wav b/a.wav", "a.wav", "a.wav"),
        ("x/a.wav", "a.wav", "x/a.wav"),
        ("x/A.WAV", "a.wav", "x/A.WAV"),
        (f"x/{DECOMPOSED}", COMPOSED, f"x/{DECOMPOSED}"),
        ("x/64000.wav y/6400.wav", "64000", "x/64000.wav"),
        ("x/XC1.45.mp3 x/XC1.mp3", "XC1.45", "x/XC1.45.mp3"),
        ("x/a.flac", "a.wav", "x/a.flac"),
        ("x/a.flac y/a.wav", "a.wav", "y/a.wav"),
        ("x/a.m4a", "a.m4a", "x/a.m4a"),
        ("one/a.wav two/a.wav", r"C:\rec\two\a.wav", "two/a.wav"),
        ("one/a.wav two/a.wav", "/home/me/One/A.wav", "one/a.wav"),
        ("audio/a.wav", r"D:\2021\rec\a.wav", "audio/a.wav"),
        ("a.wav", "audio/a.wav", "a.wav"),
        ("a/Rec.wav b/rec.wav", "rec.wav", "b/rec.wav"),
    ],
)
def test_one_recording_fits(tmp_path: Path, files: str, name: str, path: str) -> None:
    assert found(tmp_path, files, name) == [path]


@pytest.mark.parametrize(
    ("files", "name", "reason"),
    [
        ("one/a.wav two/a.wav", "a.wav", "fits several recordings: one/a.wav, two/a.wav; give"),
        ("one/a.wav two/a.wav", "three/a.wav", "fits several recordings: one/a.wav, two/a.wav"),
        ("x/a.flac x/a.mp3", "a.wav", "fits several recordings: x/a.flac, x/a.mp3"),
        ("1/a.wav 2/a.wav 3/a.wav 4/a.wav", "a", "1/a.wav, 2/a.wav, 3/a.wav, ...; give more"),
        ("x/ab.wav", "a.wav", "is not below {root}, nor is a recording of that name"),
        ("a.wav/b.wav", "a.wav", "is a folder; name the recordings in it"),
    ],
)
def test_no_recording_is_certain(tmp_path: Path, files: str, name: str, reason: str) -> None:
    touch(tmp_path, *files.split())
    find = Finder(tmp_path)
    assert find(name) == name
    assert reason.format(root=tmp_path) in find.unmatched[name]


def test_a_recording_of_another_folder_is_another(tmp_path: Path) -> None:
    names = ["site1/rec.wav", "site2/rec.wav", "site3/rec.wav"]
    assert found(tmp_path, "site1/rec.wav site2/rec.wav", *names) == names[:2]
    only = tmp_path / "only"
    assert found(only, "site1/rec.wav", *names) == names[:1]
