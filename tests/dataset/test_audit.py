from __future__ import annotations

from pathlib import Path

import soundfile

from audiotl_cli.dataset.audit import audit, problems
from audiotl_cli.dataset.index import Clip
from audiotl_cli.storage.paths import AnyPath
from tests.sounds import noise, write_wav


def name_as_hash(path: AnyPath) -> str:
    """Stand in for the hash of a file."""
    return f"hash of {path.name}"


def quiet(done: int, total: int) -> None:
    pass


def test_columns_are_filled_in_the_order_of_the_clips(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(4000), 8000)
    soundfile.write(tmp_path / "b.flac", noise(44100 * 2).reshape(-1, 2), 44100)
    steps: list[tuple[int, int]] = []
    clips = audit(
        [Clip("b.flac", label="x"), Clip("a.wav")],
        tmp_path,
        name_as_hash,
        lambda done, total: steps.append((done, total)),
        workers=2,
    )
    assert clips == [
        Clip("b.flac", "x", duration_s=1.0, sample_rate=44100, channels=2, sha256="hash of b.flac"),
        Clip("a.wav", duration_s=0.5, sample_rate=8000, channels=1, sha256="hash of a.wav"),
    ]
    assert steps == [(1, 2), (2, 2)]


def test_problems_are_named_and_stop_nothing(tmp_path: Path) -> None:
    write_wav(tmp_path / "good.wav", noise(800), 8000)
    write_wav(tmp_path / "header only.wav", noise(0), 8000)
    (tmp_path / "zero bytes.wav").touch()
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "folder.wav").mkdir()
    content = bytearray((tmp_path / "good.wav").read_bytes())
    content[24:28] = b"\1\0\0\0"
    (tmp_path / "1 hz.wav").write_bytes(content)
    names = ["good", "header only", "zero bytes", "text", "folder", "1 hz", "missing"]
    clips = audit([Clip(f"{name}.wav") for name in names], tmp_path, name_as_hash, quiet)
    assert [clip.problems for clip in clips] == ["", "empty", "empty", *["unreadable"] * 4]
    assert problems(clips) == {
        "empty": ["header only.wav", "zero bytes.wav"],
        "unreadable": ["text.wav", "folder.wav", "1 hz.wav", "missing.wav"],
    }


def test_several_problems_of_a_clip_are_all_listed() -> None:
    clips = [Clip("a", problems="silent;too_short"), Clip("b"), Clip("c", problems="silent")]
    assert problems(clips) == {"silent": ["a", "c"], "too_short": ["a"]}


def test_unknown_length_is_left_empty(tmp_path: Path) -> None:
    # an AU file may say 0xffffffff: the length is not known
    path = tmp_path / "x.au"
    soundfile.write(path, noise(800), 8000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[8:12] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    (clip,) = audit([Clip("x.au")], tmp_path, name_as_hash, quiet)
    assert clip.problems == ""
    assert clip.sample_rate == 8000
    assert clip.duration_s is None or clip.duration_s == 0.1
