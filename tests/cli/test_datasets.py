"""Data sets from a server that misbehaves, and indexes of copies."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from audiotl_cli.dataset.catalog import fsdd, gtzan
from audiotl_cli.dataset.catalog.base import Archive
from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.files import digest
from audiotl_cli.network import CHUNK
from tests.conftest import Run
from tests.sounds import noise, write_wav

CUT = CHUNK
"""Bytes after which the connection breaks under ``/cut/``."""


class Server(http.server.ThreadingHTTPServer):
    """Serves one file: whole, cut off, or from where it is asked to under ``/ranges/``."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = data
        self.asked: list[tuple[str, str | None]] = []
        self.cuts = 1


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        kind, wanted = self.path.split("/")[1], self.headers.get("Range")
        self.server.asked.append((kind, wanted))
        data = self.server.data
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if wanted and kind == "ranges" and start >= len(data):
            self.send_error(416)
            return
        if wanted and kind == "ranges":
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            data = data[start:]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.server.cuts:
            self.server.cuts -= 1
            data = data[:CUT]
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def archive_of(*names: str) -> bytes:
    """Return a zip as GitHub makes them, everything in one folder."""
    data = io.BytesIO()
    sound = io.BytesIO()
    import soundfile

    soundfile.write(sound, synthesise("drum", 0)[:16_000], SAMPLE_RATE, format="WAV")
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as file:
        for name in names:
            file.writestr(name, sound.getvalue())
    return data.getvalue()


TAKES = [f"0_{speaker}_{take}.wav" for speaker in ("anna", "ben", "eve") for take in (0, 7)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, project: Path) -> Iterator[Server]:
    """Serve a small Free Spoken Digit Dataset, without breaking off."""
    for name in ("AUDIOTL_MIRROR", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    data = archive_of("digits-master/README.md", *(f"digits-master/recordings/{t}" for t in TAKES))
    with Server(data) as server:
        server.cuts = 0
        publish(monkeypatch, server, "ranges", f"md5:{hashlib.md5(data).hexdigest()}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def publish(patch: pytest.MonkeyPatch, server: Server, kind: str, md5: str) -> None:
    url = f"http://127.0.0.1:{server.server_port}/{kind}/digits.zip"
    changed = dataclasses.replace(fsdd.DATASET, archives=(Archive(url, md5, len(server.data)),))
    patch.setattr(fsdd, "DATASET", changed)


FOLDER = Path("data/audio/fsdd")
PART = Path("data/audio/downloads/fsdd/digits.zip.part")


def test_a_data_set_is_fetched_unpacked_and_indexed(server: Server, run: Run) -> None:
    fetched = run("datasets", "fetch", "fsdd", "--json")

    assert fetched.code == 1  # most of it is missing
    assert fetched.json["fetched"] is True
    assert fetched.json["folder"] == str(FOLDER)
    assert fetched.json["dataset"]["n_found"] == len(TAKES)
    assert sorted(path.name for path in FOLDER.iterdir()) == ["README.md", "recordings"]
    assert not PART.parent.exists()

    again = run("datasets", "fetch", "fsdd")
    assert "data/audio/fsdd: exists already" in again.out
    assert "6 of 3000 clips" in again.out
    assert "2995 more in --json" in again.out
    assert "Next: audiotl index --dataset fsdd" in again.err
    assert server.asked == [("ranges", None)]

    indexed = run("index", "--dataset", "fsdd", "--json").json
    assert indexed["path"] == "data/index/fsdd.csv"
    assert indexed["splits"] == {"test": 3, "train": 3}
    assert len(indexed["dataset"]["missing"]) == 3000
    assert any("same speakers" in text for text in indexed["warnings"])


@pytest.mark.parametrize(
    ("kind", "then"), [("ranges", f"bytes={CUT}-"), ("whole", f"bytes={CUT}-")]
)
def test_an_interrupted_download_goes_on(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch, kind: str, then: str
) -> None:
    publish(monkeypatch, server, kind, fsdd.DATASET.archives[0].digest)
    server.cuts = 1

    broken = run("datasets", "fetch", "fsdd")

    assert broken.code == 4
    assert "the same command continues the download" in broken.err
    assert PART.stat().st_size == CUT
    assert not FOLDER.exists()
    assert run("datasets", "fetch", "fsdd").code == 1
    assert server.asked == [(kind, None), (kind, then)]
    assert len(list(FOLDER.rglob("*.wav"))) == len(TAKES)


def test_a_download_that_was_killed_at_its_end_is_used(server: Server, run: Run) -> None:
    PART.parent.mkdir(parents=True)
    PART.write_bytes(server.data)
    assert run("datasets", "fetch", "fsdd").code == 1
    assert len(list(FOLDER.rglob("*.wav"))) == len(TAKES)


def test_another_file_than_the_published_one_is_refused(server: Server, run: Run) -> None:
    server.data = server.data[:-1] + b"!"

    finished = run("datasets", "fetch", "fsdd")

    assert finished.code == 4
    assert "another file came: it has md5:" in finished.err
    assert f"expected {fsdd.DATASET.archives[0].digest}" in finished.err
    assert not FOLDER.exists()
    assert not PART.exists()


def test_an_archive_that_leads_outside_is_refused(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    server.data = archive_of("digits/0_anna_0.wav", "../../../../evil.wav")
    publish(monkeypatch, server, "ranges", "")

    finished = run("datasets", "fetch", "fsdd", "--json")

    assert finished.code == 3
    assert "leads outside its folder" in finished.json["error"]["message"]
    assert not list(project.parent.rglob("evil.wav"))
    assert not FOLDER.exists()


def test_without_a_network_it_is_told_what_to_do_by_hand(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")

    finished = run("datasets", "fetch", "fsdd")

    archive = fsdd.DATASET.archives[0]
    by_hand = PART.with_suffix("")
    assert finished.code == 4
    assert server.asked == []
    for told in ("AUDIOTL_OFFLINE", archive.url, archive.digest, str(by_hand)):
        assert told in finished.err

    by_hand.write_bytes(server.data[:-1])
    damaged = run("datasets", "fetch", "fsdd")
    assert damaged.code == 4
    assert "is not the published file" in damaged.err
    by_hand.write_bytes(server.data)
    assert digest(by_hand, "md5") == archive.digest.removeprefix("md5:")
    assert run("datasets", "fetch", "fsdd").code == 1
    assert FOLDER.is_dir()


def test_a_server_that_is_not_there(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = (Archive("http://127.0.0.1:9/x.zip"),)
    monkeypatch.setattr(fsdd, "DATASET", dataclasses.replace(fsdd.DATASET, archives=archives))
    finished = run("datasets", "fetch", "fsdd")
    assert finished.code == 4
    assert "could not be fetched" in finished.err
    assert "Connection refused" in finished.err


def test_a_data_set_without_a_download_says_what_to_do(project: Path, run: Run) -> None:
    finished = run("datasets", "fetch", "gtzan")
    assert finished.code == 2
    assert gtzan.DATASET.by_hand in finished.err
    assert not (project / "data").exists()


def test_all_data_sets_are_listed(project: Path, run: Run) -> None:
    (project / "data/audio/esc50").mkdir(parents=True)
    (project / "data/audio/esc50/x").touch()

    listed = {entry["name"]: entry for entry in run("datasets", "list", "--json").json}

    assert listed["urbansound8k"]["n_clips"] == 8732
    assert listed["speech-commands"]["splits"] == {"train": 84843, "valid": 9981, "test": 11005}
    assert [name for name, entry in listed.items() if entry["present"]] == ["esc50"]
    shown = run("datasets", "list").out
    assert all(name in shown for name in listed)
    assert "by hand" in shown


# --- index --dataset -----------------------------------------------------------------


def test_gtzan_on_a_copy_gets_its_partitions(project: Path, run: Run) -> None:
    names = ["blues/blues.00029.wav", "blues/blues.00012.wav", "rock/rock.00038.wav"]
    for name in [*names, "jazz/jazz.00001.wav", "pop/pop.00021.wav"]:
        write_wav(project / "GTZAN/genres" / name, noise(2000), 22_050)

    value = run("index", "GTZAN", "--dataset", "gtzan", "--json").json

    assert value["splits"] == {"test": 1, "train": 2, "valid": 1}
    assert len(value["dataset"]["missing"]) == 926
    assert value["dataset"]["left_out"] == ["pop/pop.00021.wav"]
    assert {"what": "split train", "expected": 443, "found": 2} in value["dataset"]["counts"]
    shown = run("index", "GTZAN", "--dataset", "gtzan").out
    assert "4 of 930 clips" in shown
    assert "921 more in --json" in shown


@pytest.mark.parametrize(
    "args",
    [
        ["GTZAN", "--dataset", "gtzan", "--label-regex", "(a)"],
        ["GTZAN", "--dataset", "gtzan", "--labels-from", "folder"],
        ["GTZAN", "--dataset", "gtzan", "--metadata", "x.csv"],
        ["GTZAN", "--dataset", "gtzan", "--label-column", "x"],
        ["GTZAN", "--dataset", "nothing"],
        [],
    ],
)
def test_wrong_usage_of_data_sets(project: Path, run: Run, args: list[str]) -> None:
    (project / "GTZAN").mkdir()
    finished = run("index", *args)
    assert finished.code == 2
    assert "Error" in finished.err


def test_a_copy_that_shows_what_it_is_needs_no_option(project: Path, run: Run) -> None:
    for name in ("1-7-A-0.wav", "2-8-A-1.wav"):
        write_wav(project / "mine/audio" / name, noise(2000), 22_050)
    (project / "mine/meta").mkdir()
    (project / "mine/meta/esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-7-A-0.wav,1,0,dog,True,7,A\n2-8-A-1.wav,2,1,rooster,True,8,A\n"
    )

    finished = run("index", "mine", "--json")

    assert finished.json["labels"] == ["dog", "rooster"]
    assert "indexed as by --dataset esc50" in finished.err
    lines = Path("data/index/mine.csv").read_text().splitlines()
    assert lines[1].startswith("audio/1-7-A-0.wav,dog,")
    assert ",1,7," in lines[1]


def test_a_tar_is_unpacked_as_well(
    server: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(server.data))
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        for name in source.namelist():
            info = tarfile.TarInfo(name)
            info.size = len(source.read(name))
            file.addfile(info, io.BytesIO(source.read(name)))
    server.data = data.getvalue()
    url = f"http://127.0.0.1:{server.server_port}/ranges/digits.tar.gz"
    changed = dataclasses.replace(fsdd.DATASET, archives=(Archive(url),))
    monkeypatch.setattr(fsdd, "DATASET", changed)

    assert run("datasets", "fetch", "fsdd").code == 1
    assert len(list(FOLDER.rglob("*.wav"))) == len(TAKES)
