from __future__ import annotations

import errno
import io
import os
import tempfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audiotl_cli.errors import DataError
from audiotl_cli.store.shard import (
    DamagedShardError,
    Features,
    read_keys,
    read_shard,
    write_shard,
)
from tests.store.features import clips_of, features_of, key_of, on_disk, same

keys = st.text("0123456789abcdef:.-", min_size=1, max_size=40)


@st.composite
def clip_maps(draw: st.DrawFn) -> dict[str, Features]:
    dim = draw(st.integers(1, 4))
    clips = {}
    for key in draw(st.lists(keys, min_size=1, max_size=5, unique=True)):
        n = draw(st.integers(0, 4))
        finite = st.floats(-1e6, 1e6, width=32)
        frames = draw(hnp.arrays(np.float32, (n, dim), elements=finite))
        times = draw(hnp.arrays(np.float64, (n,), elements=st.floats(0, 1e6)))
        clips[key] = Features(frames, times)
    return clips


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def good_arrays() -> dict[str, Any]:
    return {
        "format": np.int64(1),
        "keys": np.array(["a", "b"]),
        "offsets": np.array([0, 1, 3]),
        "times": np.zeros(3),
        "frames": np.zeros((3, 2), np.float32),
    }


def npy_header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def members_of(arrays: dict[str, Any]) -> dict[str, bytes]:
    members = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.asarray(array), version=(1, 0))
        members[name] = buffer.getvalue()
    return members


@settings(max_examples=40, deadline=None)
@given(clips=clip_maps())
def test_round_trip(clips: dict[str, Features]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_shard(Path(folder), clips, sync=False)
        assert read_keys(path) == sorted(clips)
        found = dict(read_shard(path))
    assert found.keys() == clips.keys()
    assert all(same(found[key], clips[key]) for key in clips)


def test_plain_numpy_reads_it(tmp_path: Path) -> None:
    clips = clips_of(1, 2, 3)
    path = on_disk(write_shard(tmp_path, clips))
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["format", "frames", "keys", "offsets", "times"]
        assert arrays["format"] == 1
        assert arrays["frames"].shape == (6, 4)
        assert arrays["frames"].dtype == np.float32
        assert arrays["times"].shape == (6,)
        for i, key in enumerate(arrays["keys"]):
            first, last = arrays["offsets"][i : i + 2]
            np.testing.assert_array_equal(arrays["frames"][first:last], clips[key].frames)


def test_same_clips_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = write_shard(tmp_path / "a", clips_of(1, 2, 3))
    second = write_shard(tmp_path / "b", clips_of(3, 1, 2), sync=False)
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    assert write_shard(tmp_path / "a", clips_of(1, 2, 4)).name != first.name


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    clips = clips_of(1)
    path = write_shard(tmp_path, clips)
    content = path.read_bytes()
    n_noticed = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0xFF if at % 9 == 8 else 1 << at % 9
        path.write_bytes(damaged)
        try:
            found = dict(read_shard(path))
        except DamagedShardError:
            n_noticed += 1
            continue
        assert found.keys() == clips.keys(), at
        assert all(same(found[key], clips[key]) for key in clips), at
    assert n_noticed > 0.7 * len(content)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = write_shard(tmp_path, clips_of(1, 2))
    content = path.read_bytes()
    for n_bytes in [*range(0, len(content), 7), len(content) - 1]:
        path.write_bytes(content[:n_bytes])
        with pytest.raises(DamagedShardError, match="not a complete shard"):
            list(read_shard(path))
        with pytest.raises(DamagedShardError, match="not a complete shard"):
            read_keys(path)


@pytest.mark.parametrize("shape", [(1 << 40,), (1 << 20, 1 << 20), (1 << 62, 1 << 62), (-1,)])
def test_header_claiming_more_than_there_is_takes_no_memory(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    path = tmp_path / "shard-0.npz"
    path.write_bytes(archive(members_of(good_arrays()) | {"frames": npy_header(shape)}))
    tracemalloc.start()
    with pytest.raises(DamagedShardError, match="claims an array"):
        list(read_shard(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_deflate_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    members = members_of(good_arrays())
    members["frames"] = npy_header((16 << 20,)) + bytes(64 << 20)
    path = tmp_path / "shard-0.npz"
    path.write_bytes(archive(members, zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 1 << 17
    tracemalloc.start()
    with pytest.raises(DamagedShardError, match="not a complete shard"):
        list(read_shard(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "changed",
    [
        {"format": np.int64(2)},
        {"format": np.array([1, 1])},
        {"keys": np.array(["a"])},
        {"keys": np.array("a")},
        {"keys": np.array([1, 2])},
        {"keys": np.array([["a", "b"]])},
        {"offsets": np.array([0, 2, 1])},
        {"offsets": np.array([1, 2, 3])},
        {"offsets": np.array([0, 1, 4])},
        {"offsets": np.array([0, -1, 3])},
        {"offsets": np.array([0.0, 1.0, 3.0])},
        {"offsets": np.array(["0", "1", "3"])},
        {"offsets": np.int64(3)},
        {"times": np.zeros(2)},
        {"times": np.array(["0", "1", "2"])},
        {"frames": np.zeros(3, np.float32)},
        {"frames": np.zeros((3, 2), np.float64)},
        {"frames": np.zeros((3, 2), ">f4")},
        {"frames": np.asfortranarray(np.zeros((3, 2), np.float32))},
    ],
    ids=lambda changed: f"{next(iter(changed))}-{next(iter(changed.values())).shape}",
)
def test_arrays_that_do_not_fit_together_are_refused(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    path = tmp_path / "shard-0.npz"
    path.write_bytes(npz(**good_arrays()))
    assert [key for key, _ in read_shard(path)] == ["a", "b"]
    path.write_bytes(npz(**good_arrays() | changed))
    with pytest.raises(DamagedShardError):
        list(read_shard(path))


@pytest.mark.parametrize("name", ["format", "keys", "offsets", "times", "frames"])
def test_missing_array_is_refused(tmp_path: Path, name: str) -> None:
    arrays = good_arrays()
    del arrays[name]
    (tmp_path / "shard-0.npz").write_bytes(npz(**arrays))
    with pytest.raises(DamagedShardError):
        list(read_shard(tmp_path / "shard-0.npz"))


class _Payload:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["keys", "frames"])
def test_object_arrays_are_refused_and_run_nothing(tmp_path: Path, name: str) -> None:
    payload = np.array([_Payload(tmp_path / "ran"), None], dtype=object)
    (tmp_path / "shard-0.npz").write_bytes(npz(**good_arrays() | {name: payload}))
    with pytest.raises(DamagedShardError, match="claims an array"):
        list(read_shard(tmp_path / "shard-0.npz"))
    assert not (tmp_path / "ran").exists()


def test_members_that_point_outside_are_ignored(tmp_path: Path) -> None:
    content = archive(members_of(good_arrays()) | {"../../evil": b"x"})
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "shard-0.npz"
    path.write_bytes(content)
    assert [key for key, _ in read_shard(path)] == ["a", "b"]
    assert list(tmp_path.rglob("*")) == [tmp_path / "in", path]


def test_missing_file_says_so_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_keys(tmp_path / "shard-0.npz")


def test_file_that_cannot_be_opened_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_shard(tmp_path, clips_of(1))

    def refuse(path: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("audiotl_cli.files.os.open", refuse)
    with pytest.raises(DataError, match=r"cannot be opened \(Permission denied\)") as caught:
        read_keys(path)
    assert not isinstance(caught.value, DamagedShardError)


def test_every_clip_gets_its_own_frames(tmp_path: Path) -> None:
    path = write_shard(tmp_path, clips_of(5, 6))
    found = dict(read_shard(path))
    assert same(found[key_of(6)], features_of(6))
    assert same(found[key_of(5)], features_of(5))
