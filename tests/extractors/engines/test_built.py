"""The cache of built networks: whole, current, or built again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.engines import built as module
from audiotl_cli.extractors.engines.built import Built, built
from audiotl_cli.extractors.engines.operations import Network

NETWORK = Network("net", "sha256:" + "ab" * 32, (2, 3), lambda ops, x: x, dict)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    return tmp_path


class Builder:
    def __init__(self) -> None:
        self.n_built = 0

    def __call__(self) -> Built:
        self.n_built += 1
        return Built({"param": "text"}, b"weights")


def test_it_is_built_once() -> None:
    builder = Builder()

    path, fresh = built(NETWORK, "ncnn", builder)
    again, cached = built(NETWORK, "ncnn", builder)

    assert builder.n_built == 1
    assert path == again
    assert path.read_bytes().startswith(b"weights")
    assert cached.header == fresh.header
    assert cached.data.startswith(fresh.data)


def test_whatever_byte_is_damaged_it_is_built_again() -> None:
    builder = Builder()
    path, _ = built(NETWORK, "ncnn", builder)
    whole = path.read_bytes()

    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        built(NETWORK, "ncnn", builder)
        assert path.read_bytes() == whole
    for size in (0, 1, 31, 32, 40, len(whole) - 1):
        path.write_bytes(whole[:size])
        built(NETWORK, "ncnn", builder)
        assert path.read_bytes() == whole

    assert builder.n_built == 1 + len(whole) + 6


def test_of_other_code_it_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    builder = Builder()
    path, _ = built(NETWORK, "ncnn", builder)
    monkeypatch.setattr(module, "_code", lambda: "other")

    assert built(NETWORK, "ncnn", builder)[0] == path

    assert builder.n_built == 2


@pytest.mark.parametrize(
    "other", [{"name": "other"}, {"weights": "sha256:" + "cd" * 32}, {"shape": (3, 2)}]
)
def test_networks_are_told_apart(other: dict[str, object]) -> None:
    builder = Builder()
    built(NETWORK, "ncnn", builder)

    built(replace(NETWORK, **other), "ncnn", builder)  # type: ignore[arg-type]

    assert builder.n_built == 2


def test_a_cache_that_cannot_be_written_is_said(folder: Path) -> None:
    (folder / "built").write_text("a file where the folder should be")

    with pytest.raises(WeightsError, match="AUDIOTL_CACHE"):
        built(NETWORK, "ncnn", Builder())


def test_a_build_that_fails_leaves_nothing(folder: Path) -> None:
    def fail() -> Built:
        raise WeightsError("no such weights")

    with pytest.raises(WeightsError, match="no such weights"):
        built(NETWORK, "ncnn", fail)

    assert [path for path in (folder / "built").iterdir() if path.suffix == ".ncnn"] == []
