"""Files and packages of weights behind the same functions."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors import sources, weights
from audiotl_cli.extractors.musicnn import WEIGHTS as MUSICNN
from audiotl_cli.extractors.registry import extractor_class, list_extractors, load_extractor
from audiotl_cli.extractors.weights import PublishedFile

DATA = b"the published ones"
WANTED = PublishedFile("net", "https://weights.invalid/net.bin", "", 18, "ISC", "Someone, 2019")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("AUDIOTL_OFFLINE", raising=False)
    monkeypatch.delenv("AUDIOTL_MIRROR", raising=False)
    monkeypatch.setenv("AUDIOTL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_file_has_one_name() -> None:
    kinds = [extractor_class(name) for name in list_extractors()]
    names = [source.name for kind in kinds for source in kind.weights_files()]
    assert len(names) == len(set(names)) == 16
    for kind in kinds:
        for layer in kind.layers():
            assert set(kind.weights_files(layer)) <= set(kind.weights_files())
            assert bool(kind.weights_files(layer)) is (kind.name != "mfcc")


def test_identities_are_of_one_form() -> None:
    assert load_extractor("mfcc").weights_id() == ("", "none")
    identity, label = load_extractor("musicnn").weights_id()
    assert identity.startswith("sha256:8579734ee638")
    assert label == "published"


def test_nothing_is_found_in_an_empty_cache() -> None:
    assert sources.find(WANTED) is None
    assert sources.find(MUSICNN) is None


def test_fetching_brings_the_published_ones_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []

    def download(url: str, target: Path, on_bytes: object, *, max_bytes: int) -> None:
        fetched.append(url)
        target.write_bytes(DATA)

    monkeypatch.setattr(weights, "download", download)
    mine = tmp_path / "mine.bin"
    mine.write_bytes(b"mine")
    assert sources.fetch(WANTED, mine).label == "unverified:mine.bin"
    assert fetched == []
    assert sources.fetch(WANTED).label == "published"
    assert sources.fetch(WANTED).path.read_bytes() == DATA
    assert fetched == [WANTED.url]


def test_a_package_from_a_url_is_not_fetched_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIOTL_OFFLINE", "1")
    with pytest.raises(WeightsError, match="AUDIOTL_OFFLINE forbids"):
        sources.fetch(MUSICNN, "https://weights.invalid/musicnn.whl")


def test_digests_are_compared(tmp_path: Path) -> None:
    path = tmp_path / "net.bin"
    path.write_bytes(b"hello\n")
    digest = "gitblob:ce013625030ba8dba906f756967f9e9ca394464a"
    wanted = PublishedFile("net", "https://weights.invalid/net.bin", digest, 6, "ISC", "")
    found = weights.locate(wanted, path)
    (check,) = sources.digest_checks(wanted, found)
    assert check.passed
    path.write_bytes(b"hello!")
    (check,) = sources.digest_checks(wanted, found)
    assert check.passed is False
    assert sources.digest_checks(WANTED, found) == []
