"""Archives and files of weights that would fill the disk or the memory once unpacked."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from audiotl_cli.dataset import unpack as module
from audiotl_cli.dataset.unpack import unpack
from audiotl_cli.errors import DataError, WeightsError
from audiotl_cli.extractors.openl3_weights import read_parameters
from audiotl_cli.extractors.vggish import read_pca
from audiotl_cli.extractors.yamnet import read_weights

MB = 1 << 20
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(1000)
KERNEL = "dense/dense/kernel:0"
KERNEL_SHAPE = (1024, 521)


# --- weights -------------------------------------------------------------------------


@pytest.mark.parametrize("read", [read_parameters, read_weights])
@pytest.mark.parametrize("pack", [bytes, lambda data: gzip.compress(data, 1)])
def test_weights_that_are_larger_than_any_are_refused(
    tmp_path: Path, read: Callable[[Path], Any], pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "weights.h5"
    path.write_bytes(pack(HDF5 + bytes(80 * MB)))
    with pytest.raises(WeightsError, match="larger than 64 MiB"):
        read(path)


def huge_text(file: h5py.File) -> None:
    file.create_dataset(KERNEL, KERNEL_SHAPE, "S1000000")  # 533 GB that were never written


def packed_chunk(file: h5py.File) -> None:
    dataset = file.create_dataset(
        KERNEL, KERNEL_SHAPE, "f4", chunks=KERNEL_SHAPE, compression="gzip"
    )
    dataset.id.write_direct_chunk((0, 0), zlib.compress(bytes(300 * MB), 1))


def other_file(file: h5py.File) -> None:
    size = 4 * KERNEL_SHAPE[0] * KERNEL_SHAPE[1]
    file.create_dataset(KERNEL, KERNEL_SHAPE, "f4", external=[("/dev/zero", 0, size)])


def link(file: h5py.File) -> None:
    file["dense"] = h5py.ExternalLink("/etc/passwd", "/dense")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (huge_text, "expected float32"),
        (packed_chunk, "compressed within the file"),
        (other_file, "is stored in another file"),
        (link, "a link to another file"),
    ],
)
def test_weights_that_claim_unpack_or_fetch_more_are_refused(
    tmp_path: Path, make: Callable[[h5py.File], None], message: str
) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(WeightsError, match=message):
        read_weights(path)


@pytest.mark.parametrize("kind", ["bomb", "claim", "objects"])
def test_a_pca_that_unpacks_or_claims_more_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pca.npz"
    shape, dtype = ("1000000000000,", "<f4") if kind == "claim" else ("128, 128", "<f4")
    dtype = "|O" if kind == "objects" else dtype
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape}), }}\n".encode()
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("pca_eigen_vectors.npy", "pca_means.npy"):
            file.writestr(name, start + bytes(200 * MB if kind == "bomb" else 128 * 128 * 4))
    with pytest.raises(WeightsError, match="does not hold VGGish's PCA"):
        read_pca(path)


# --- archives ------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let archives have four members and unpack to ten times their size and a megabyte."""
    monkeypatch.setattr(module, "MAX_MEMBERS", 4, raising=False)
    monkeypatch.setattr(module, "SPARE", MB)


def zip_of(path: Path, *names: str, data: bytes = b"", how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as file:
        for name in names:
            file.writestr(name, data)
    return path


def tar_of(path: Path, *names: str, data: bytes = b"", pack: Any = gzip.compress) -> Path:
    with io.BytesIO() as held:
        with tarfile.open(fileobj=held, mode="w") as file:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                file.addfile(info, io.BytesIO(data))
        path.write_bytes(pack(held.getvalue()))
    return path


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_archives_of_too_many_files_are_refused(
    tmp_path: Path, few: None, make: Callable[..., Path]
) -> None:
    name = "a.zip" if make is zip_of else "a.tar.gz"
    assert unpack(make(tmp_path / name, *"1234"), tmp_path / "four") == 4
    with pytest.raises(DataError, match="over 4 files"):
        unpack(make(tmp_path / name, *"12345"), tmp_path / "five")


@pytest.mark.parametrize("zip64", [False, True])
def test_a_zip_whose_list_of_contents_would_fill_the_memory_is_not_read(
    tmp_path: Path, zip64: bool
) -> None:
    path = tmp_path / "a.zip"
    size = 300 * MB
    with path.open("wb") as file:
        file.truncate(size)  # takes no room on the disk
        file.seek(size)
        if zip64:
            file.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size, 0))
            file.write(b"PK\6\7" + struct.pack("<IQI", 0, size, 1))
        shown = 0xFFFFFFFF if zip64 else size
        file.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, shown, 0, 0))
    with pytest.raises(DataError, match="holds over 250000 files"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("before", [b"", b"a program that unpacks itself"])
def test_a_real_zip64_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)  # for 65 535, which take a minute
    path = zip_of(tmp_path / "a.zip", "1", "2", "3")
    assert b"PK\6\6" in path.read_bytes()
    path.write_bytes(before + path.read_bytes())
    assert unpack(path, tmp_path / "out") == 3


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_stated_size_beyond_the_limit_is_refused_before_anything_is_written(
    tmp_path: Path, few: None, make: Callable[..., Path]
) -> None:
    name = "a.zip" if make is zip_of else "a.tar.gz"
    archive = make(tmp_path / name, "big.wav", data=bytes(30 * MB))
    with pytest.raises(DataError, match="unpacks to over 10 times its size"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out" / "big.wav").exists()


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, bytes])
def test_a_tar_whose_names_would_fill_the_memory_is_refused(
    tmp_path: Path, kind: bytes, pack: Callable[[bytes], bytes]
) -> None:
    info = tarfile.TarInfo("name")
    info.type, info.size = kind, 64 * MB
    path = tmp_path / "a.tar"
    path.write_bytes(pack(info.tobuf(tarfile.GNU_FORMAT) + bytes(64 * MB + 10_240)))
    with pytest.raises(DataError, match="claims a header"):
        unpack(path, tmp_path / "out")


def test_sparse_files_in_a_tar_are_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("hole.wav")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[483:495] = b"%011o\0" % (1 << 32)  # its size with the holes
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    (tmp_path / "a.tar").write_bytes(bytes(head) + bytes(10_240))
    with pytest.raises(DataError, match=r"'hole.wav', a link or device"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_compressions_that_take_much_memory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unusual compression"):
        unpack(zip_of(tmp_path / "a.zip", "a", how=zipfile.ZIP_LZMA), tmp_path / "out")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(tar_of(tmp_path / "a.tar.xz", "a", pack=lzma.compress), tmp_path / "out")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_a_file_that_is_a_folder_as_well_is_damage(
    tmp_path: Path, make: Callable[..., Path], names: tuple[str, str]
) -> None:
    archive = make(tmp_path / ("a.zip" if make is zip_of else "a.tar.gz"), *names)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")
