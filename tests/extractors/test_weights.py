"""The weights cache against a server that misbehaves, other processes and other people."""

from __future__ import annotations

import hashlib
import http.server
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors import weights
from audiotl_cli.extractors.cache import file_digest
from audiotl_cli.extractors.weights import PublishedFile, find, install, locate

DATA = b"weights\n" * 50_000
SHA256 = hashlib.sha256(DATA).hexdigest()
HTML = b"<!DOCTYPE html><title>Please sign in</title>"


class Server(http.server.ThreadingHTTPServer):
    """Serves DATA as ``/good/...`` and other things under other folders."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        kind = self.path.removeprefix("http://weights.invalid").split("/")[1]
        if kind == "missing":
            self.send_error(404)
            return
        data = {"html": HTML, "empty": b"", "other": DATA[:-1] + b"!"}.get(kind, DATA)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if kind == "cut" else data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUDIOTL_OFFLINE", "AUDIOTL_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


def published(url: str, digest: str = f"sha256:{SHA256}") -> PublishedFile:
    return PublishedFile("net", url, digest, len(DATA), "Apache-2.0", "Someone, 2019")


def files(folder: Path) -> list[str]:
    """Return the visible files: what others take for weights."""
    return sorted(path.name for path in folder.glob("[!.]*"))


def parts(folder: Path) -> list[Path]:
    return list(folder.glob("*.part"))


@pytest.mark.parametrize(
    "digest",
    [
        f"sha256:{SHA256}",
        f"md5:{hashlib.md5(DATA).hexdigest()}",
        f"gitblob:{hashlib.sha1(b'blob %d' % len(DATA) + bytes(1) + DATA).hexdigest()}",
    ],
)
def test_first_use_fetches_and_later_ones_do_not(
    server: Server, cache: Path, caplog: pytest.LogCaptureFixture, digest: str
) -> None:
    wanted = published(f"{server.url}/good/net.bin", digest)
    assert find(wanted) is None
    with caplog.at_level(logging.INFO):
        found = locate(wanted)
    assert found.path == cache / "net.bin"
    assert found.path.read_bytes() == DATA
    assert found.identity == f"sha256:{SHA256}"
    assert found.label == "published"
    for text in (wanted.url, "0 MB", "Apache-2.0", str(found.path)):
        assert text in caplog.text
    assert locate(wanted) == find(wanted) == found
    assert server.asked == ["/good/net.bin"]
    assert files(cache) == ["net.bin", "net.bin.json"]
    assert not parts(cache)


def test_git_names_a_file_as_file_digest_does(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello\n")
    assert file_digest(tmp_path / "file", "gitblob") == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("other", "expected sha256:"),
        ("html", "web page"),
        ("empty", "empty"),
        ("cut", "could not be fetched"),
        ("missing", "404"),
    ],
)
def test_a_bad_answer_leaves_nothing(server: Server, cache: Path, kind: str, reason: str) -> None:
    wanted = published(f"{server.url}/{kind}/net.bin")
    with pytest.raises(WeightsError, match=reason) as error:
        locate(wanted)
    message = str(error.value)
    for text in (wanted.url, SHA256, "audiotl models fetch net --from FILE", str(wanted.path)):
        assert text in message
    assert files(cache) == []
    assert not parts(cache)


@pytest.mark.parametrize("kind", ["cut", "html", "empty", "missing"])
def test_a_bad_answer_is_noticed_without_a_digest(server: Server, cache: Path, kind: str) -> None:
    with pytest.raises(WeightsError):
        locate(published(f"{server.url}/{kind}/net.h5", digest=""))
    assert files(cache) == []


def test_hdf5_is_told_by_its_first_bytes(server: Server, cache: Path) -> None:
    with pytest.raises(WeightsError, match=r"format of net\.h5"):
        locate(published(f"{server.url}/good/net.h5", digest=""))
    assert files(cache) == []


def test_nobody_listens(cache: Path) -> None:
    with Server() as server:
        url = server.url
    with pytest.raises(WeightsError, match="refused"):
        locate(published(f"{url}/good/net.bin"))
    assert files(cache) == []


def test_a_failed_fetch_keeps_what_was_there(server: Server) -> None:
    wanted = published(f"{server.url}/good/net.bin")
    found = locate(wanted)
    with pytest.raises(WeightsError):
        install(wanted, f"{server.url}/cut/mine.bin")
    assert locate(wanted) == found


def test_offline_never_asks(
    server: Server, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")
    wanted = published(f"{server.url}/good/net.bin")
    for attempt in (partial(locate, wanted), partial(install, wanted, wanted.url)):
        with pytest.raises(WeightsError, match="AUDIOTL_OFFLINE") as error:
            attempt()
        assert "audiotl models fetch net --from FILE" in str(error.value)
    assert not cache.exists()
    (tmp_path / "net.bin").write_bytes(DATA)
    assert install(wanted, tmp_path / "net.bin").label == "published"
    assert locate(wanted).label == "published"
    assert server.asked == []


def test_mirror_replaces_the_host(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOTL_MIRROR", f"{server.url}/mirror/")
    assert locate(published("https://weights.invalid/good/net.bin")).label == "published"
    # without a digest nobody vouches for what a mirror gives
    found = locate(published("https://weights.invalid/good/other.bin", digest=""))
    assert found.label == "unverified:other.bin"
    assert server.asked == ["/mirror/good/net.bin", "/mirror/good/other.bin"]


def test_proxies_are_taken_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    assert locate(published("http://weights.invalid/good/net.bin")).label == "published"
    assert server.asked == ["http://weights.invalid/good/net.bin"]


def test_https_vouches_where_no_digest_is_documented(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        weights, "download", lambda _, target, __, max_bytes: target.write_bytes(DATA)
    )
    wanted = published("https://weights.invalid/net.bin", digest="")
    assert locate(wanted).label == "published"
    note = json.loads((cache / "net.bin.json").read_text())
    assert note["sha256"] == SHA256
    # from then on the recorded digest is the one that counts
    wanted.path.write_bytes(DATA + b"!")
    assert find(wanted) is None
    assert locate(wanted).identity == f"sha256:{SHA256}"


def test_without_a_documented_digest_the_first_file_counts(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [DATA]
    monkeypatch.setattr(
        weights, "download", lambda _, target, __, max_bytes: target.write_bytes(given[0])
    )
    wanted = published("https://weights.invalid/net.bin", digest="")
    locate(wanted)
    (tmp_path / "mine.bin").write_bytes(b"mine")
    install(wanted, tmp_path / "mine.bin")
    given[0] = DATA + b"replaced"

    with pytest.raises(WeightsError, match=f"first taken from there had sha256:{SHA256}"):
        install(wanted, wanted.url)
    assert locate(wanted).label == "unverified:mine.bin"

    (cache / "net.bin.json").unlink()
    assert install(wanted, wanted.url).label == "published"


def test_a_users_own_file_is_used_where_it_lies(tmp_path: Path, cache: Path) -> None:
    wanted = published("http://weights.invalid/net.bin")
    mine = tmp_path / "fine-tuned.bin"
    mine.write_bytes(b"mine")
    found = locate(wanted, mine)
    assert found.path == mine
    assert found.label == "unverified:fine-tuned.bin"
    assert found.identity == f"sha256:{hashlib.sha256(b'mine').hexdigest()}"
    mine.write_bytes(DATA)
    assert locate(wanted, mine).label == "published"
    with pytest.raises(WeightsError, match="no such weights file"):
        locate(wanted, tmp_path / "absent")
    assert not cache.exists()


def test_a_file_handed_over_keeps_its_name(server: Server, tmp_path: Path) -> None:
    wanted = published(f"{server.url}/good/net.bin")
    mine = tmp_path / "fine-tuned.bin"
    mine.write_bytes(b"mine")
    assert install(wanted, mine).label == "unverified:fine-tuned.bin"
    assert locate(wanted).label == "unverified:fine-tuned.bin"
    assert locate(wanted).path.read_bytes() == b"mine"
    assert server.asked == []
    assert install(wanted, f"{server.url}/other/theirs.bin?v=1").label == "unverified:theirs.bin"
    assert install(wanted, wanted.url).label == "published"
    assert locate(wanted).path.read_bytes() == DATA


def test_a_file_that_cannot_be_read_is_not_installed(tmp_path: Path, cache: Path) -> None:
    wanted = published("http://weights.invalid/net.bin")
    page = tmp_path / "page.html"
    page.write_bytes(b"\n" + HTML)
    for source in (tmp_path / "absent.bin", tmp_path, page):
        with pytest.raises(WeightsError, match=source.name):
            install(wanted, source)
    assert files(cache) == []


def test_the_published_file_may_be_put_there_by_hand(cache: Path) -> None:
    wanted = published("http://weights.invalid/net.bin")
    cache.mkdir(parents=True)
    wanted.path.write_bytes(DATA)
    assert locate(wanted).label == "published"
    assert files(cache) == ["net.bin", "net.bin.json"]


def test_a_stranger_is_neither_used_nor_overwritten(server: Server, cache: Path) -> None:
    wanted = published(f"{server.url}/good/net.bin")
    cache.mkdir(parents=True)
    wanted.path.write_bytes(b"whose?")
    (cache / "net.bin.json").write_text("[not a note")
    with pytest.raises(WeightsError, match=f"--from {wanted.path}"):
        locate(wanted)
    assert wanted.path.read_bytes() == b"whose?"
    assert install(wanted, wanted.path).label == "unverified:net.bin"
    wanted.path.write_bytes(b"changed")
    with pytest.raises(WeightsError, match="nor the file that was installed"):
        locate(wanted)


def test_a_damaged_file_is_fetched_again(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    wanted = published(f"{server.url}/good/net.bin")
    locate(wanted).path.write_bytes(DATA[:100])
    assert locate(wanted).path.read_bytes() == DATA
    assert "damaged" in caplog.text


def test_a_cache_that_cannot_be_made(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match="AUDIOTL_CACHE"):
        locate(published(f"{server.url}/good/net.bin"))
    assert server.asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders too")
def test_a_read_only_cache(server: Server, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "there.bin").write_bytes(DATA)
    cache.chmod(0o500)
    try:
        assert locate(published(f"{server.url}/good/there.bin")).label == "published"
        with pytest.raises(WeightsError, match="AUDIOTL_CACHE"):
            locate(published(f"{server.url}/good/net.bin"))
    finally:
        cache.chmod(0o700)
    assert server.asked == []


def test_two_processes_fetch_once(server: Server, cache: Path) -> None:
    program = (
        "import sys; from audiotl_cli.extractors.weights import PublishedFile, locate\n"
        "print(locate(PublishedFile('net', *sys.argv[1:], None, '', '')).identity)"
    )
    command = [sys.executable, "-c", program, f"{server.url}/good/net.bin", f"sha256:{SHA256}"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    for process in both:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert output.strip() == f"sha256:{SHA256}"
    assert server.asked == ["/good/net.bin"]
    assert not parts(cache)


def test_looking_up_weights_imports_no_downloader(cache: Path) -> None:
    program = (
        "import sys; from audiotl_cli.extractors import weights\n"
        "assert not {'requests', 'filelock', 'h5py', 'tensorflow'} & set(sys.modules)"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
