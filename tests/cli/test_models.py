from __future__ import annotations

import http.server
import threading
from functools import partial
from pathlib import Path

import pytest

from audiotl_cli.extractors.musicnn import WEIGHTS
from audiotl_cli.extractors.weights import is_installed
from tests.conftest import Run, shared


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUDIOTL_CACHE", str(folder))
    return folder


@pytest.fixture
def openl3_file(tmp_path: Path) -> Path:
    """Return a file that begins like HDF5, named as OpenL3's are."""
    path = tmp_path / "openl3_audio_mel256_env-mine.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1_000_000))
    return path


def test_list_says_what_is_installed(empty_cache: Path, run: Run) -> None:
    value = {network["name"]: network for network in run("models", "list", "--json").json}

    assert value["musicnn"]["dim"] == 753
    assert value["musicnn"]["licence"] == "ISC"
    assert value["musicnn"]["installed"] is False
    assert value["mfcc"]["installed"] is True
    assert "musicnn" in run("models", "list").out


def test_missing_weights_offline_say_what_to_do(
    empty_cache: Path, project: Path, sounds: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")
    run("index", sounds)

    finished = run("extract")

    assert finished.code == 4
    assert "AUDIOTL_OFFLINE" in finished.err
    assert "pip download --no-deps musicnn==0.1.0" in finished.err
    assert "audiotl models fetch musicnn --from FILE.whl" in finished.err


def test_a_wrong_file_is_refused(empty_cache: Path, tmp_path: Path, run: Run) -> None:
    wheel = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"something else")

    finished = run("models", "fetch", "musicnn", "--from", wheel)

    assert finished.code == 4
    assert "its SHA-256 is" in finished.err
    assert not list(empty_cache.rglob("*.index"))


def test_mfcc_needs_no_weights(run: Run) -> None:
    value = run("models", "fetch", "mfcc", "--json").json

    assert value == {"name": "mfcc", "path": None, "files": []}
    assert run("models", "fetch", "mfcc", "--from", "file").code == 2
    assert run("models", "verify", "mfcc").code == 0


def test_list_knows_every_file(empty_cache: Path, run: Run) -> None:
    value = {network["name"]: network for network in run("models", "list", "--json").json}

    names = {name: [file["name"] for file in network["files"]] for name, network in value.items()}
    assert names["vggish"] == ["vggish", "vggish-pca"]
    assert len(names["openl3"]) == 6
    assert names["mfcc"] == []
    for network in value.values():
        for file in network["files"]:
            assert file["installed"] is None
            assert file["licence"]
            assert file["citation"]
            assert file["size"] > 0
    assert "openl3-mel256_env" in run("models", "list").out


def test_a_file_is_told_by_its_name(empty_cache: Path, openl3_file: Path, run: Run) -> None:
    finished = run("models", "fetch", "openl3", "--from", openl3_file, "--json")

    assert finished.code == 0
    (file,) = finished.json["files"]
    assert file["name"] == "openl3-mel256_env"
    assert file["weights"] == f"unverified:{openl3_file.name}"
    assert Path(file["path"]).read_bytes() == openl3_file.read_bytes()
    assert f"not the published ones ({openl3_file.name})" in run("models", "list").out


def test_a_file_that_could_be_several_is_not_guessed(
    empty_cache: Path, openl3_file: Path, run: Run
) -> None:
    mine = openl3_file.rename(openl3_file.with_name("mine.h5"))

    finished = run("models", "fetch", "openl3", "--from", mine)

    assert finished.code == 2
    assert "openl3-linear_env, openl3-linear_music, openl3-mel128_env" in finished.err
    assert run("models", "fetch", "openl3-linear_env", "--from", mine).code == 0


def test_the_published_name_of_a_file_is_a_name_too(
    empty_cache: Path, openl3_file: Path, run: Run
) -> None:
    name = "openl3_audio_mel128_music-v0_4_0.h5.gz"

    value = run("models", "fetch", name, "--from", openl3_file, "--json").json

    assert value["files"][0]["name"] == "openl3-mel128_music"


def test_a_file_comes_from_a_url(
    empty_cache: Path, openl3_file: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("AUDIOTL_OFFLINE", raising=False)
    handler = partial(Quiet, directory=str(openl3_file.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        url = f"http://127.0.0.1:{server.server_port}/{openl3_file.name}"
        finished = run("models", "fetch", "openl3", "--from", url)
        missing = run("models", "fetch", "musicnn", "--from", f"{url}.whl")
        server.shutdown()

    assert finished.code == 0
    assert openl3_file.name in finished.out
    assert "Fetching openl3: 1/1 MB" in finished.err
    assert missing.code == 4
    assert "404" in missing.err


def test_nothing_is_called_so(run: Run) -> None:
    finished = run("models", "fetch", "wav2vec")

    assert finished.code == 2
    assert "choose from musicnn, openl3" in finished.err
    assert "vggish-pca" in finished.err


def test_verify_needs_weights(empty_cache: Path, run: Run) -> None:
    for name in ("vggish", "vggish-pca", "openl3", "musicnn"):
        finished = run("models", "verify", name)
        assert finished.code == 4
        assert f"audiotl models fetch {name.split('-')[0]}" in finished.err
    value = run("models", "verify", "--json").json
    assert value["networks"] == []
    assert "yamnet" in value["not_installed"]


def test_verify_says_that_openl3_is_not_the_published(
    empty_cache: Path, openl3_file: Path, run: Run
) -> None:
    run("models", "fetch", "openl3-mel128_music", "--from", openl3_file)

    finished = run("models", "verify", "openl3", "--json")

    assert finished.code == 3
    digest, embeddings = finished.json["networks"][0]["checks"]
    assert digest["what"] == "gitblob of openl3_audio_mel128_music-v0_4_0.h5.gz"
    assert (digest["expected"], digest["passed"]) == ("73ff29de4418", False)
    assert embeddings["passed"] is None
    assert "no published values" in embeddings["found"]
    assert "no published values" in run("models", "verify", "openl3").out


def test_verify_holds_musicnn_to_its_values(run: Run) -> None:
    if not is_installed(WEIGHTS):
        pytest.skip("the published weights are not in the cache")

    finished = run("models", "verify", "musicnn", "--json")

    assert finished.code == 0
    checks = finished.json["networks"][0]["checks"]
    assert all(check["passed"] for check in checks)
    assert len(checks) == 8 + 6


def test_yamnet_passes_its_checks(empty_cache: Path, run: Run) -> None:
    weights = shared("weights/yamnet_dequantized.h5.gz")
    assert run("models", "fetch", "yamnet", "--from", weights).code == 0

    finished = run("models", "verify", "yamnet")

    assert finished.code == 0
    assert "not the published ones (yamnet_dequantized.h5.gz)" in finished.out
    assert "White noise" in finished.out


def test_ced_is_fetched_from_a_mirror_under_its_own_name(
    empty_cache: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All sizes are called model.onnx by their publisher; none has a digest to compare with."""
    file = shared("weights/ced_tiny_seeded_depth2_frames3000.onnx")
    place = "k2-fsa/sherpa-onnx-ced-tiny-audio-tagging-2024-04-19/resolve/main"
    (tmp_path / "mirror" / place).mkdir(parents=True)
    (tmp_path / "mirror" / place / "model.onnx").write_bytes(file.read_bytes())
    handler = partial(Quiet, directory=str(tmp_path / "mirror"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("AUDIOTL_MIRROR", f"http://127.0.0.1:{server.server_port}")
        fetched = run("models", "fetch", "ced-tiny", "--json")
        server.shutdown()

    assert fetched.code == 0, fetched.err
    assert fetched.json["path"].endswith("ced-tiny-2024-04-19.onnx")
    assert fetched.json["files"][0]["weights"] == "unverified:model.onnx"
    listed = {one["name"]: one for one in run("models", "list", "--json").json}
    assert listed["ced-tiny"]["installed"] is True
    assert listed["ced-tiny"]["files"][0]["digest"] == "not pinned"
    assert listed["ced-mini"]["installed"] is False
    web_page = tmp_path / "page.onnx"
    web_page.write_bytes(b"<html>")
    assert run("models", "fetch", "ced-tiny", "--from", web_page).code == 4
    assert run("models", "verify", "ced-tiny").code == 0
