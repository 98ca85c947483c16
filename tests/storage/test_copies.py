from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audiotl_cli.errors import StorageError
from audiotl_cli.storage.copies import Prefetcher, local_copy
from audiotl_cli.storage.remote import RemotePath


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of objects as they are fetched."""
    names: list[str] = []
    download = RemotePath.download

    def counted(self: RemotePath, to: Path) -> None:
        names.append(self.name)
        download(self, to)

    monkeypatch.setattr(RemotePath, "download", counted)
    return names


def test_a_local_path_is_itself(tmp_path: Path) -> None:
    with local_copy(tmp_path / "a") as file:
        assert file == tmp_path / "a"


def test_an_object_is_fetched_once_until_it_changes(memory: RemotePath, fetched: list[str]) -> None:
    path = memory / "a.wav"
    for content in (b"one", b"two!"):
        path.write_bytes(content)
        for _ in range(3):
            with local_copy(path) as file:
                assert file.read_bytes() == content
                assert file.suffix == ".wav"
    assert fetched == ["a.wav", "a.wav"]


def test_threads_share_a_copy(memory: RemotePath, fetched: list[str]) -> None:
    path = memory / "a"
    path.write_bytes(b"content")

    def read(_: int) -> bytes:
        with local_copy(path) as file:
            return file.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(32))) == {b"content"}
    assert fetched == ["a"]


def test_what_nobody_reads_is_kept_up_to_a_limit(
    memory: RemotePath, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for name in "abc":
        (memory / name).write_bytes(bytes(100))
        with local_copy(memory / name) as file:
            files.append(file)
    assert all(file.exists() for file in files)
    monkeypatch.setattr("audiotl_cli.storage.copies.KEPT_BYTES", 150)
    with local_copy(memory / "a"), local_copy(memory / "b"):
        assert files[0].exists()  # as long as it is read
        assert files[1].exists()
    assert [file.exists() for file in files] == [False, True, False]
    assert fetched == ["a", "b", "c"]


def test_what_breaks_off_is_no_copy(memory: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    path = memory / "a"
    path.write_bytes(b"content")
    with monkeypatch.context() as broken:
        broken.setattr(RemotePath, "download", lambda self, to: to.write_bytes(b"con"))
        with pytest.raises(StorageError, match="3 of 7 bytes"), local_copy(path):
            pass
    with local_copy(path) as file:
        assert file.read_bytes() == b"content"
    path.unlink()
    with pytest.raises(FileNotFoundError), local_copy(path):
        pass


def test_fetching_ahead(
    memory: RemotePath, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (memory / name).write_bytes(name.encode())
    ahead = Prefetcher()
    for name in "ab":
        ahead.expect(memory / name)
    ahead.expect(memory / "missing")
    ahead.expect(Path("here"))
    with ahead.local_copy(memory / "a") as file:
        assert file.read_bytes() == b"a"
    with ahead.local_copy(memory / "c") as file:
        assert file.read_bytes() == b"c"
    with pytest.raises(FileNotFoundError), ahead.local_copy(memory / "missing"):
        pass
    ahead.close()
    with local_copy(memory / "b") as file:
        assert file.read_bytes() == b"b"
    assert sorted(fetched) in (["a", "b", "c"], ["a", "b", "c", "missing"])
    monkeypatch.setattr("audiotl_cli.storage.copies.KEPT_BYTES", 0)
    fetched.clear()
    (memory / "d").write_bytes(b"d")
    ahead.expect(memory / "d")
    assert fetched == []
