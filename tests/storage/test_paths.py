from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from audiotl_cli.errors import StorageError, UsageError
from audiotl_cli.storage.failures import translate
from audiotl_cli.storage.paths import any_path, join, need_local, relative, rename, write_whole
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.storage.schemes import RefusedUrlError


def test_urls_are_remote_and_all_else_is_local() -> None:
    assert any_path("a/b.wav") == Path("a/b.wav")
    assert any_path("C:/a.wav") == Path("C:/a.wav")
    assert any_path("C://a.wav") == Path("C:/a.wav")
    assert any_path("S3://bucket/a b//c/") == RemotePath("s3://bucket/a b//c")
    same = RemotePath("s3://bucket")
    assert any_path(same) is same


@pytest.mark.parametrize("text", ["s3://", "s3:///"])
def test_a_url_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no folder"):
        any_path(text)


def test_parts_of_an_address() -> None:
    path = RemotePath("s3://bucket/night/a.b.WAV")
    assert (path.name, path.stem, path.suffix) == ("a.b.WAV", "a.b", ".WAV")
    assert path.parent == RemotePath("s3://bucket/night")
    assert path.parent.parent == path.parent.parent.parent == RemotePath("s3://bucket")
    assert path.with_name("c") == RemotePath("s3://bucket/night/c")
    assert relative(path, RemotePath("s3://bucket")) == "night/a.b.WAV"
    assert join(path.parent, "x//y") == RemotePath("s3://bucket/night/x//y")
    assert join(Path("here"), "s3://bucket/x") == RemotePath("s3://bucket/x")


def test_what_is_written_is_there_by_name(memory: RemotePath) -> None:
    path = memory / "a" / "odd [name]*.txt"
    assert not path.exists()
    write_whole(path, b"content")
    assert (path.exists(), path.is_file(), path.is_dir()) == (True, True, False)
    assert (memory / "a").is_dir()
    assert not (memory / "a").is_file()
    assert path.read_bytes() == b"content"
    assert path.stat().st_size == 7
    assert path.stat().st_mtime_ns > 0
    moved = rename(path, "b.txt")
    assert (path.exists(), moved.exists()) == (False, True)
    moved.unlink()
    moved.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        moved.read_bytes()


def test_listings_name_what_fits(memory: RemotePath) -> None:
    for name in ("x/store.json", "y/store.json", "y/z/store.json", "shard-1.npz", "[a].npz"):
        write_whole(memory / name, b"")
    assert sorted(memory.glob("*/store.json")) == [memory / "x/store.json", memory / "y/store.json"]
    assert list(memory.glob("shard-*.npz")) == [memory / "shard-1.npz"]
    assert list((memory / "nowhere").glob("*")) == []
    assert len(memory.files()) == 5
    assert (memory / "*/store.json").expand() == [memory / "x/store.json", memory / "y/store.json"]
    assert (memory / "**/store.json").expand()[-1] == memory / "y/z/store.json"


def test_a_part_is_read_without_the_rest(
    memory: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiotl_cli.storage.remote.BUFFER_BYTES", 16)
    path = memory / "a"
    path.write_bytes(bytes(range(256)))
    asked: list[tuple[int, int]] = []
    read_range = RemotePath.read_range

    def counted(self: RemotePath, first: int, last: int) -> bytes:
        asked.append((first, last))
        return read_range(self, first, last)

    monkeypatch.setattr(RemotePath, "read_range", counted)
    with path.open() as file:
        assert file.seek(-4, io.SEEK_END) == 252
        assert file.read() == bytes([252, 253, 254, 255])
        file.seek(100)
        assert file.read(3) == bytes([100, 101, 102])
        assert file.read(0) == b""
    assert asked == [(252, 256), (100, 116)]


def test_a_storage_that_shows_parts_of_files_is_not_written_to() -> None:
    with pytest.raises(UsageError, match="does not promise"):
        write_whole(RemotePath("http://host/a"), b"")


def test_what_needs_a_disk_says_so() -> None:
    assert need_local(Path("a"), "") == Path("a")
    with pytest.raises(UsageError, match="s3://b/a is on object storage: give another"):
        need_local(RemotePath("s3://b/a"), "give another")


class NoCredentialsError(Exception):
    pass


class EndpointConnectionError(Exception):
    pass


class ParamValidationError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ImportError("Install s3fs to access S3"), UsageError, "pip install .audiotl.s3"),
        (FileNotFoundError("b/x"), FileNotFoundError, "no such file"),
        (
            FileNotFoundError("The specified bucket does not exist"),
            FileNotFoundError,
            "this bucket does not exist",
        ),
        (PermissionError("Forbidden"), PermissionError, "access denied .Forbidden."),
        (NoCredentialsError("Unable to locate\ncredentials"), StorageError, "AWS_ACCESS_KEY_ID"),
        (EndpointConnectionError("could not connect"), StorageError, "AWS_ENDPOINT_URL"),
        (ConnectionResetError("reset"), StorageError, "cannot be reached"),
        (OSError(16, "Slow down"), StorageError, "failed .Slow down."),
        (OSError(28, "No space left on device"), OSError, "No space"),
        (ParamValidationError("Invalid bucket name"), OSError, "this is not a valid object name"),
        (KeyError("odd"), StorageError, "KeyError"),
    ],
)
def test_failures_are_said_in_a_line(error: Exception, kind: type, words: str) -> None:
    translated = translate(error, "s3://b/x")
    assert type(translated) is kind
    assert "s3://b/x" in str(translated)
    assert "\n" not in str(translated)
    with pytest.raises(kind, match=words):
        raise translated


def test_unknown_storages_and_missing_packages_are_wrong_usage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RefusedUrlError, match="nope:// is not supported"):
        RemotePath("nope://b/x").exists()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"audiotl.s3."):
        RemotePath("s3://b/x").exists()


def test_local_paths_load_no_fsspec() -> None:
    code = (
        "import sys; from audiotl_cli.storage.paths import any_path, write_whole\n"
        "import audiotl_cli.store.store, audiotl_cli.dataset.index, audiotl_cli.audio.isolated\n"
        "any_path('x').exists(); sys.exit('fsspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
