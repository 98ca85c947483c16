from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audiotl_cli.dataset import unpack as module
from audiotl_cli.dataset.unpack import unpack
from audiotl_cli.errors import DataError


def make_zip(path: Path, *names: str, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, b"sound of " + name.encode())
    return path


def make_tar(path: Path, *names: str, kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            data = b"sound of " + name.encode() if kind == tarfile.REGTYPE else b""
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


MAKE: dict[str, Callable[..., Path]] = {"a.zip": make_zip, "a.tar.gz": make_tar}


@pytest.mark.parametrize("name", list(MAKE))
def test_archives_are_unpacked(tmp_path: Path, name: str) -> None:
    archive = MAKE[name](tmp_path / name, "top/x/1.wav", "top/2.wav")
    assert unpack(archive, tmp_path / "out") == 2
    assert (tmp_path / "out/top/x/1.wav").read_bytes() == b"sound of top/x/1.wav"


@pytest.mark.parametrize("name", list(MAKE))
@pytest.mark.parametrize("evil", ["../evil", "x/../../evil", "/evil", "..\\evil", "C:\\evil"])
def test_nothing_gets_outside(tmp_path: Path, name: str, evil: str) -> None:
    archive = MAKE[name](tmp_path / name, "good.wav", evil)
    with pytest.raises(DataError, match="leads outside its folder"):
        unpack(archive, tmp_path / "in" / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        [name, "in", "out", "good.wav"]
    )


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", "link", kind=kind)
    with pytest.raises(DataError, match="'link', a link or device"):
        unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*"))


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", "link", mode=stat.S_IFLNK | 0o777)
    with pytest.raises(DataError, match="'link', a link or device"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("name", list(MAKE))
def test_archives_that_unpack_without_end_are_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(module, "SPARE", 10)
    monkeypatch.setattr(module, "MAX_TIMES", 0)
    with pytest.raises(DataError, match="unpacks to over"):
        unpack(MAKE[name](tmp_path / name, "long name.wav"), tmp_path / "out")


@pytest.mark.parametrize("name", list(MAKE))
def test_damaged_archives_are_refused(tmp_path: Path, name: str) -> None:
    archive = MAKE[name](tmp_path / name, *(f"{i}.wav" for i in range(50)))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")
    archive.write_bytes(b"<html>please sign in</html>")
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")
