from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUDIOTL_CACHE", str(folder))
    return folder


def test_list_says_what_is_installed(empty_cache: Path, run: Run) -> None:
    value = {one["name"]: one for one in run("models", "list", "--json").json}

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
    assert run("models", "fetch", "mfcc", "--json").json == {"name": "mfcc", "path": None}
