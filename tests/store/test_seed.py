from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.store.seed import read_seed_file


def save(path: Path, ids: list[str], numbers: list[int], **changed: Any) -> Path:
    features = np.arange(len(ids) * 2, dtype=np.float64).reshape(-1, 2)
    arrays = {"X": features, "Y": np.array(numbers), "IDS": np.array(ids)} | changed
    np.savez(path, **arrays)
    return path


def test_frames_are_gathered_by_clip_in_the_order_clips_first_appear(tmp_path: Path) -> None:
    path = save(tmp_path / "f.npz", ["z/1.wav", "z/1.wav", "a/2.wav", "z/1.wav"], [0, 0, 1, 0])
    clips = read_seed_file(path)
    assert [clip.path for clip in clips] == ["z/1.wav", "a/2.wav"]
    assert clips[0].frames.tolist() == [[0, 1], [2, 3], [6, 7]]
    assert clips[1].frames.tolist() == [[4, 5]]
    assert {clip.frames.dtype for clip in clips} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("ids", "numbers", "labels"),
    [
        # folders name the same classes as the numbers
        (["audio/dog/1.wav", "audio/cat/2.wav", "audio/dog/3.wav"], [7, 3, 7], "dog cat dog"),
        (["dog\\1.wav", "cat\\2.wav"], [0, 1], "dog cat"),
        # one folder for all
        (["audio/1.wav", "audio/2.wav", "audio/3.wav"], [7, 3, 7], "7 3 7"),
        # no folder
        (["1.wav", "2.wav"], [0, 1], "0 1"),
        # folders that are something else, such as folds
        (["f1/1.wav", "f1/2.wav", "f2/3.wav", "f2/4.wav"], [0, 1, 0, 1], "0 1 0 1"),
        (["f1/1.wav", "f2/2.wav"], [5, 5], "5 5"),
    ],
)
def test_labels_are_folders_where_those_agree_with_the_numbers(
    tmp_path: Path, ids: list[str], numbers: list[int], labels: str
) -> None:
    clips = read_seed_file(save(tmp_path / "f.npz", ids, numbers))
    assert [clip.label for clip in clips] == labels.split()


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", X=np.zeros((2, 2)), labels=np.zeros(2))
    with pytest.raises(DataError, match=r"f.npz holds X, labels; expected the arrays X \(feat"):
        read_seed_file(tmp_path / "f.npz")


@pytest.mark.parametrize(
    "changed",
    [
        {"X": np.zeros((2, 2))},
        {"X": np.zeros(3)},
        {"X": np.zeros((3, 2), dtype="U3")},
        {"X": np.float64(3)},
        {"Y": np.zeros(2)},
        {"Y": np.int64(1)},
        {"Y": np.zeros((3, 4))},
        {"IDS": np.array(["a", "b"])},
        {"IDS": np.array([["a", "b"], ["a", "b"], ["c", "d"]])},
        {"X": np.zeros((0, 2)), "Y": np.zeros(0), "IDS": np.zeros(0, "U1")},
    ],
)
def test_arrays_that_do_not_belong_together(tmp_path: Path, changed: dict[str, Any]) -> None:
    path = save(tmp_path / "f.npz", ["a", "b", "c"], [0, 1, 2], **changed)
    with pytest.raises(DataError, match="do not belong together"):
        read_seed_file(path)


@pytest.mark.parametrize("name", ["X", "Y", "IDS"])
def test_object_arrays_are_refused(tmp_path: Path, name: str) -> None:
    objects = np.array([1, 2, 3], dtype=object)
    path = save(tmp_path / "f.npz", ["a", "b", "c"], [0, 1, 2], **{name: objects})
    with pytest.raises(DataError, match="cannot be read as an npz file"):
        read_seed_file(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(50), b"\x93NUMPY"])
def test_what_is_no_npz_is_a_data_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"f\.npz"):
        read_seed_file(tmp_path / "f.npz")


def test_plain_array_file_is_a_data_error(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"f\.npy"):
        read_seed_file(tmp_path / "f.npy")


def test_truncated_file_is_a_data_error(tmp_path: Path) -> None:
    path = save(tmp_path / "f.npz", ["a", "b"], [0, 1])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="cannot be read as an npz file"):
        read_seed_file(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.npz: no such file"):
        read_seed_file(tmp_path / "no.npz")


def test_a_file_that_would_fill_the_memory_is_refused_before(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, X=np.zeros((1 << 20, 16)), Y=np.zeros(3), IDS=np.array(["a"] * 3))
    assert path.stat().st_size < 1 << 19
    tracemalloc.start()
    with pytest.raises(DataError, match=r"X\.npy claims 134217856 bytes in"):
        read_seed_file(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 22


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "f.npz", ["a/1.wav"], [0])
    header = io.BytesIO()
    claimed = {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1)}
    np.lib.format.write_array_header_1_0(header, claimed)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X", "Y", "IDS"):
            archive.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(DataError, match="cannot be read as an npz file"):
        read_seed_file(path)
