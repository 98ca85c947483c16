from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.review.clip_names import find_rows, name_of, read_name


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a.wav", AudioSource(Path("a.wav"))),
        ("a.wav:1-2.5", AudioSource(Path("a.wav"), 1.0, 2.5)),
        ("a:b.wav:0-", AudioSource(Path("a:b.wav"), 0.0, None)),
        ("12:30-13:00.wav", AudioSource(Path("12:30-13:00.wav"))),
    ],
)
def test_names(text: str, source: AudioSource) -> None:
    assert read_name(text) == source
    assert name_of(source) == text


def test_a_file_called_so_is_that_file(tmp_path: Path) -> None:
    path = tmp_path / "a:1-2"
    path.touch()

    assert read_name(str(path)) == AudioSource(path)


def test_rows_by_path_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clips = [Clip("x/a.wav"), Clip("b.wav", end_s=2.0), Clip("b.wav", start_s=2.0)]
    index = Index(clips, tmp_path / "audio")

    assert find_rows(index, read_name("x/a.wav")) == [0]
    assert find_rows(index, read_name("audio/x/a.wav")) == [0]
    assert find_rows(index, read_name("b.wav")) == [1, 2]
    assert find_rows(index, read_name("b.wav:0-2")) == [1]
    assert find_rows(index, read_name("b.wav:2-")) == [2]
    assert find_rows(index, read_name("a.wav")) == []
