from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.errors import AudioError
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.memo import HashMemo, clip_key

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
XYZ = "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282"


def make(path: Path, content: bytes, age_s: float = 100) -> Path:
    path.write_bytes(content)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("the file was read")

    monkeypatch.setattr(hashlib, "file_digest", refuse)
    monkeypatch.setattr(hashlib, "sha256", refuse)


def test_hash_is_the_files_sha256(tmp_path: Path) -> None:
    assert HashMemo(tmp_path / "memo").sha256(make(tmp_path / "x.wav", b"abc")) == ABC


@pytest.mark.parametrize("n", [0, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18])
def test_hash_of_any_length(tmp_path: Path, n: int) -> None:
    content = np.random.default_rng(0).bytes(n)
    made = HashMemo(tmp_path / "memo").sha256(make(tmp_path / "x.wav", content))
    assert made == hashlib.sha256(content).hexdigest()


def test_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "x.wav", b"abc")
    memo = HashMemo(tmp_path / "memo")
    memo.sha256(path)
    memo.save()
    forbid_reading(monkeypatch)
    assert memo.sha256(path) == ABC
    assert HashMemo(tmp_path / "memo").sha256(path) == ABC


def test_edited_file_is_read_again(tmp_path: Path) -> None:
    path = make(tmp_path / "x.wav", b"abc", age_s=100)
    memo = HashMemo(tmp_path / "memo")
    assert memo.sha256(path) == ABC
    memo.save()
    make(path, b"xyz", age_s=50)  # as long as before, but later
    assert memo.sha256(path) == XYZ
    memo.save()
    assert HashMemo(tmp_path / "memo").sha256(path) == XYZ  # the later line counts


def test_file_with_another_length_is_read_again_whatever_its_time(tmp_path: Path) -> None:
    path = make(tmp_path / "x.wav", b"abcd")
    memo = HashMemo(tmp_path / "memo")
    memo.sha256(path)
    state = path.stat()
    path.write_bytes(b"abc")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert memo.sha256(path) == ABC


def test_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = make(tmp_path / "x.wav", b"abc", age_s=0)
    memo = HashMemo(tmp_path / "memo")
    memo.sha256(path)
    memo.save()
    assert not (tmp_path / "memo").exists()
    state = path.stat()
    path.write_bytes(b"xyz")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert memo.sha256(path) == XYZ


def test_renamed_file_has_the_same_hash(tmp_path: Path) -> None:
    path = make(tmp_path / "x.wav", b"abc")
    memo = HashMemo(tmp_path / "memo")
    before = memo.sha256(path)
    path.rename(tmp_path / "y.wav")
    assert memo.sha256(tmp_path / "y.wav") == before
    with pytest.raises(AudioError) as caught:
        memo.sha256(path)
    assert caught.value.code == "missing"


@pytest.mark.parametrize(
    "name", ["tab\there.wav", "line\nbreak.wav", "ret\rurn.wav", "🐦.wav", os.fsdecode(b"\xe9.wav")]
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, b"abc")
    memo = HashMemo(tmp_path / "memo")
    assert memo.sha256(path) == ABC
    memo.save()
    assert HashMemo(tmp_path / "memo").sha256(path) == ABC


def test_every_flipped_byte_of_a_memo_never_gives_a_wrong_hash(tmp_path: Path) -> None:
    paths = {make(tmp_path / "a.wav", b"abc"): ABC, make(tmp_path / "b.wav", b"xyz"): XYZ}
    place = tmp_path / "memo"
    memo = HashMemo(place)
    for path in paths:
        memo.sha256(path)
    memo.save()
    content = place.read_bytes()
    assert content.count(b"\n") == 2
    for at in range(len(content)):
        for flip in (0x01, 0x20):
            damaged = bytearray(content)
            damaged[at] ^= flip
            place.write_bytes(damaged)
            memo = HashMemo(place)
            assert {path: memo.sha256(path) for path in paths} == paths


def test_torn_line_is_ignored_and_the_rest_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make(tmp_path / "a.wav", b"abc"), make(tmp_path / "b.wav", b"xyz")
    place = tmp_path / "memo"
    memo = HashMemo(place)
    memo.sha256(first)
    memo.sha256(second)
    memo.save()
    content = place.read_bytes()
    place.write_bytes(content[:-30])
    assert HashMemo(place).sha256(second) == XYZ
    forbid_reading(monkeypatch)
    assert HashMemo(place).sha256(first) == ABC
    with pytest.raises(AssertionError, match="was read"):
        HashMemo(place).sha256(second)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\0\xff" * 50, b"{}", b"a\tb\tc\td\te\n"])
def test_file_that_is_no_memo_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "memo").write_bytes(content)
    assert HashMemo(tmp_path / "memo").sha256(make(tmp_path / "x.wav", b"abc")) == ABC


def test_save_appends_once(tmp_path: Path) -> None:
    memo = HashMemo(tmp_path / "new" / "memo")
    memo.sha256(make(tmp_path / "x.wav", b"abc"))
    memo.save()
    memo.save()
    assert len((tmp_path / "new" / "memo").read_bytes().splitlines()) == 1


def test_folder_is_no_sound_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder") as caught:
        HashMemo(tmp_path / "memo").sha256(tmp_path)
    assert caught.value.code == "unreadable"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    with pytest.raises(AudioError, match="is a pipe or device"):
        HashMemo(tmp_path / "memo").sha256(tmp_path / "x.wav")


def test_symlink_to_itself(tmp_path: Path) -> None:
    (tmp_path / "x.wav").symlink_to(tmp_path / "x.wav")
    with pytest.raises(AudioError):
        HashMemo(tmp_path / "memo").sha256(tmp_path / "x.wav")


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (None, None, ABC),
        (0.0, None, f"{ABC}:0.000000-"),
        (1.5, None, f"{ABC}:1.500000-"),
        (None, 2.0, f"{ABC}:0.000000-2.000000"),
        (0.25, 0.75, f"{ABC}:0.250000-0.750000"),
    ],
)
def test_clip_key(start_s: float | None, end_s: float | None, expected: str) -> None:
    assert clip_key(ABC, start_s, end_s) == expected


@given(st.integers(0, 10**10), st.integers(0, 10**10))
def test_stretches_a_microsecond_apart_have_different_keys(a: int, b: int) -> None:
    same = clip_key(ABC, a / 1e6, None) == clip_key(ABC, b / 1e6, None)
    assert same == (a == b)


def test_one_file_by_many_paths_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    path = make(tmp_path / "real" / "x.wav", b"abc")
    (tmp_path / "folder-link").symlink_to(tmp_path / "real")
    (tmp_path / "file-link.wav").symlink_to(path)
    memo = HashMemo(tmp_path / "memo")
    assert memo.sha256(path) == ABC
    forbid_reading(monkeypatch)
    monkeypatch.chdir(tmp_path / "real")
    for name in ("folder-link/x.wav", "file-link.wav", "real/../real/x.wav"):
        assert memo.sha256(tmp_path / name) == ABC
    assert memo.sha256(Path("x.wav")) == ABC


@pytest.mark.skipif(os.name != "posix", reason="needs a place that cannot be written")
def test_a_memo_that_cannot_be_saved_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memo = HashMemo(tmp_path / "file" / "memo")
    assert memo.sha256(make(tmp_path / "x.wav", b"abc")) == ABC
    memo.save()


def test_objects_are_remembered_by_what_their_storage_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory_storage: None
) -> None:
    path = RemotePath("memory:///memo/a.wav")
    path.write_bytes(b"one")
    memo = HashMemo(tmp_path / "memo")
    assert memo.sha256(path) == hashlib.sha256(b"one").hexdigest()
    memo.save()
    assert not memo.path.exists()  # the time alone tells, and it may change within its own tick
    monkeypatch.setattr("audiotl_cli.store.memo.SETTLED_S", -1.0)
    assert memo.sha256(path) == hashlib.sha256(b"one").hexdigest()
    memo.save()
    monkeypatch.setattr(RemotePath, "download", lambda self, to: to.write_bytes(b"not read"))
    assert HashMemo(memo.path).sha256(path) == hashlib.sha256(b"one").hexdigest()
    monkeypatch.undo()
    path.write_bytes(b"two")
    assert HashMemo(memo.path).sha256(path) == hashlib.sha256(b"two").hexdigest()
    path.unlink()
    with pytest.raises(AudioError) as caught:
        HashMemo(memo.path).sha256(path)
    assert caught.value.code == "missing"
