"""Downloads from servers that want to fill the disk, the memory, or somebody's time."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audiotl_cli import network
from audiotl_cli.dataset.catalog import fsdd
from audiotl_cli.dataset.catalog.base import Archive
from audiotl_cli.extractors import packages
from audiotl_cli.extractors.musicnn import WEIGHTS as MUSICNN
from audiotl_cli.network import CHUNK
from tests.conftest import Run
from tests.security.hostile_server import (
    HostileHandler,
    HostileServer,
    endless,
    endless_trailer,
    packed,
    redirect,
    serve,
    slow,
    slow_headers,
    whole,
)

PARTS = Path("data/audio/downloads/fsdd")
MB = 1 << 20
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(1000)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUDIOTL_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up servers that are too slow after half a second."""
    monkeypatch.setattr(network, "SLOW_S", 0.5, raising=False)


@pytest.fixture
def server() -> Iterator[HostileServer]:
    answers: dict[str, Callable[[HostileHandler], None]] = {
        "/endless.h5": endless,
        "/endless.zip": endless,
        "/slow.h5": slow(),
        "/slow.zip": slow(b"PK" + bytes(2 * CHUNK)),
        "/slow-headers.h5": slow_headers,
        "/trailer.h5": endless_trailer,
        "/packed.h5": packed(HDF5 + bytes(40 * MB)),
        "/whole.h5": whole(HDF5),
        "/file.h5": redirect("file:///etc/passwd"),
        "/circle.h5": redirect("/circle.h5"),
        "/twice.h5": redirect("/again.h5"),
        "/again.h5": redirect("/whole.h5"),
        "/endless-redirect.h5": redirect("/whole.h5", endless),
    }
    with serve(answers) as server:
        yield server


def archive(patch: pytest.MonkeyPatch, url: str, **more: Any) -> None:
    changed = dataclasses.replace(fsdd.DATASET, archives=(Archive(url, **more),))
    patch.setattr(fsdd, "DATASET", changed)


def files(folder: Path) -> list[str]:
    """Return the files in a folder but locks, which hold nothing."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


# --- how much ------------------------------------------------------------------------


def test_an_endless_file_of_weights_is_given_up(
    server: HostileServer, run: Run, cache: Path
) -> None:
    finished = run("models", "fetch", "yamnet", "--from", f"{server.url}/endless.h5")

    assert finished.code == 4
    assert "sends more than the expected maximum of 31.6 MB" in finished.err
    assert files(cache) == []


def test_an_endless_archive_is_given_up_at_twice_its_size(
    server: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(monkeypatch, f"{server.url}/endless.zip", size=MB)
    finished = run("datasets", "fetch", "fsdd")

    assert finished.code == 4
    assert "sends more than the expected maximum of 3.1 MB" in finished.err
    assert "goes on there" not in finished.err  # nothing of it is of use
    assert files(PARTS) == []


def test_where_the_size_is_known_not_a_byte_more_is_taken(
    server: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/exact.zip"] = whole(bytes(1001))
    archive(monkeypatch, f"{server.url}/exact.zip", size=1000, exact_size=True)
    assert "sends more than" in run("datasets", "fetch", "fsdd").err
    assert files(PARTS) == []

    assert MUSICNN.size < 30 * MB
    finished = run("models", "fetch", "musicnn", "--from", f"{server.url}/endless.zip")
    assert finished.code == 4
    assert f"sends more than the expected maximum of {MUSICNN.size / 1e6:.1f} MB" in finished.err


def test_a_part_that_is_too_large_already_begins_anew(
    server: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    PARTS.mkdir(parents=True)
    (PARTS / "exact.zip.part").write_bytes(bytes(5000))
    server.answers["/exact.zip"] = whole(b"not a zip")
    archive(monkeypatch, f"{server.url}/exact.zip", size=1000, exact_size=True)

    assert run("datasets", "fetch", "fsdd").code == 3
    assert "Range" not in server.asked[0][1]
    assert (PARTS / "exact.zip").read_bytes() == b"not a zip"


def test_another_part_than_asked_for_is_not_joined(
    server: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_part(request: HostileHandler) -> None:
        request.start(206, {"Content-Range": "bytes 0-9/20", "Content-Length": "10"})
        request.send(bytes(10))

    PARTS.mkdir(parents=True)
    (PARTS / "other.zip.part").write_bytes(bytes(10))
    server.answers["/other.zip"] = other_part
    archive(monkeypatch, f"{server.url}/other.zip", size=1000)

    finished = run("datasets", "fetch", "fsdd")

    assert finished.code == 4
    assert "the server sent another part of the file than requested" in finished.err
    assert files(PARTS) == []


# --- how slowly ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["slow.h5", "slow-headers.h5", "trailer.h5"])
def test_a_server_that_gives_a_byte_now_and_then_is_given_up(
    server: HostileServer, run: Run, hurried: None, cache: Path, path: str
) -> None:
    finished = run("models", "fetch", "yamnet", "--from", f"{server.url}/{path}")

    assert finished.code == 4
    assert "the server is too slow: it sent" in finished.err
    assert "audiotl models fetch yamnet --from FILE" in finished.err
    assert files(cache) == []


def test_what_a_slow_server_gave_is_kept_and_the_same_command_goes_on(
    server: HostileServer, run: Run, hurried: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(monkeypatch, f"{server.url}/slow.zip", size=MB)

    given_up = run("datasets", "fetch", "fsdd")
    kept = (PARTS / "slow.zip.part").stat().st_size
    run("datasets", "fetch", "fsdd")

    assert given_up.code == 4
    assert "the server is too slow" in given_up.err
    assert "the same command continues the download" in given_up.err
    assert kept >= 2 * CHUNK
    assert server.asked[1][1]["Range"] == f"bytes={kept}-"


# --- compressed on the way -----------------------------------------------------------


def test_what_is_compressed_on_the_way_is_not_unpacked(
    server: HostileServer, run: Run, cache: Path
) -> None:
    finished = run("models", "fetch", "yamnet", "--from", f"{server.url}/packed.h5")

    assert finished.code == 4
    assert "compressed as 'gzip', although uncompressed data was requested" in finished.err
    assert server.asked[0][1]["Accept-Encoding"] == "identity"
    assert files(cache) == []


# --- redirects -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message"),
    [("file.h5", "redirects to file:///etc/passwd"), ("circle.h5", "more than 10 redirects")],
)
def test_redirects_lead_to_the_web_and_come_to_an_end(
    server: HostileServer, run: Run, cache: Path, path: str, message: str
) -> None:
    finished = run("models", "fetch", "yamnet", "--from", f"{server.url}/{path}")
    assert finished.code == 4
    assert message in finished.err
    assert len(server.asked) <= 11
    assert files(cache) == []


def test_honest_redirects_are_followed_and_their_pages_not_read(
    server: HostileServer, run: Run
) -> None:
    assert run("models", "fetch", "yamnet", "--from", f"{server.url}/twice.h5").code == 0
    n_sent = server.n_sent
    finished = run("models", "fetch", "yamnet", "--from", f"{server.url}/endless-redirect.h5")
    assert finished.code == 0
    assert server.n_sent - n_sent < 20 * MB  # what the connection holds before it is closed


def test_https_is_not_left_for_http(
    server: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    class Redirecting:
        def send(self, request: Any, *args: object, **more: object) -> Any:
            response = requests.Response()
            response.status_code, response.url = 302, request.url
            response.headers["Location"] = f"{server.url}/whole.h5"
            response.raw = io.BytesIO()
            response.request = request
            return response

        def close(self) -> None:
            pass

    def mounted(session: Any, url: str) -> Any:
        return Redirecting() if url.startswith("https:") else plain(session, url)

    plain = requests.Session.get_adapter
    monkeypatch.setattr(requests.Session, "get_adapter", mounted)
    finished = run("models", "fetch", "yamnet", "--from", "https://weights.invalid/a.h5")
    assert finished.code == 4
    assert "which is not an https URL" in finished.err
    assert server.asked == []


# --- what addresses give away --------------------------------------------------------


SECRETS = ("anna", "hunter2", "t0ken", "s3cret")


@pytest.mark.parametrize("path", ["whole.h5", "missing.h5", "circle.h5", "endless.h5", "file.h5"])
@pytest.mark.parametrize("flags", [[], ["--json"], ["--debug"]])
def test_no_message_and_no_file_holds_a_password_or_a_token(
    server: HostileServer, run: Run, cache: Path, path: str, flags: list[str]
) -> None:
    host = server.url.removeprefix("http://")
    url = f"http://anna:hunter2@{host}/{path}?token=t0ken&sig=s3cret#s3cret"
    server.answers["/missing.h5"] = lambda request: request.send_error(404)

    if "--debug" in flags and path != "whole.h5":  # shown as a traceback, by the interpreter
        command = [sys.executable, "-m", "audiotl_cli", "models", "fetch", "yamnet", "--from", url]
        done = subprocess.run(
            [*command, *flags], capture_output=True, text=True, check=False, env=os.environ
        )
        shown = done.stdout + done.stderr
        assert "FetchError" in shown or "WeightsError" in shown
    else:
        finished = run("models", "fetch", "yamnet", "--from", url, *flags)
        shown = finished.out + finished.err
        assert finished.code == (0 if path == "whole.h5" else 4)

    assert server.asked[0][1]["Authorization"].startswith("Basic ")
    shown += "".join(p.read_text(errors="replace") for p in cache.rglob("*.json"))
    assert not [secret for secret in SECRETS if secret in shown]
    if path == "missing.h5":
        assert f"{host}/missing.h5" in shown


def test_the_address_of_a_mirror_gives_nothing_away_either(
    server: HostileServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_MIRROR", f"http://anna:hunter2@{server.url[7:]}")
    server.answers["/audioset/yamnet.h5"] = lambda request: request.send_error(403)
    finished = run("models", "fetch", "yamnet")
    assert finished.code == 4
    assert "403" in finished.err
    assert not [secret for secret in SECRETS if secret in finished.err]


# --- the package client --------------------------------------------------------------


def client(patch: pytest.MonkeyPatch, folder: Path, program: str) -> None:
    """Let a program of one's own stand for the package client."""
    script = folder / "client"
    script.write_text(f"#!{sys.executable}\n{program}\n")
    script.chmod(0o755)
    patch.setattr(sys, "executable", str(script))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            "import tempfile\nf = tempfile.NamedTemporaryFile()\nf.truncate(1 << 30)\n"
            "f.flush()\nimport time; time.sleep(600)",
            "sends more data than the package has",
        ),
        ("import time; time.sleep(600)", "too slow"),
    ],
)
def test_a_package_client_that_does_not_end_is_ended(
    run: Run,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    message: str,
) -> None:
    monkeypatch.setattr(packages, "CLIENT_STEP_S", 0.1, raising=False)
    monkeypatch.setattr(packages, "CLIENT_START_S", 60.0, raising=False)
    if message == "too slow":
        monkeypatch.setattr(packages, "CLIENT_START_S", -1e6, raising=False)
    client(monkeypatch, tmp_path, program)
    started = time.monotonic()
    finished = run("models", "fetch", "musicnn")
    assert finished.code == 4
    assert message in finished.err
    assert time.monotonic() - started < 60
    assert files(cache) == []
