"""Workers that do not fit are refused, and told apart by what they lack."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from audiotl_cli.cluster import task
from audiotl_cli.cluster.extract import pack
from audiotl_cli.cluster.fitness import Job, check_versions, network_of, versions
from audiotl_cli.errors import ClusterError, UsageError
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.store.description import fingerprint
from tests.extractors.fake import FakeExtractor


@pytest.fixture
def job(tmp_path: Path) -> Job:
    pieces = tmp_path / "store" / "pieces"
    pieces.mkdir(parents=True)
    audio = tmp_path / "a.wav"
    audio.touch()
    made = Job(
        token="abc",
        extractor=pack(FakeExtractor()),
        fingerprint=fingerprint(asdict(FakeExtractor().describe())),
        pieces=str(pieces),
        audio=str(audio),
        versions=versions(),
    )
    made.sign.touch()
    return made


def test_a_worker_that_fits_holds_one_network(job: Job) -> None:
    assert network_of(job) is network_of(replace(job, token="abc"))
    assert task.check(job).fault == ""


@pytest.mark.parametrize("name", ["audiotl", "Python", "numpy", "tensorflow", "soxr", "soundfile"])
def test_other_versions_are_refused_by_name(job: Job, name: str) -> None:
    fault = task.check(replace(job, versions={**versions(), name: "0.0.1"})).fault
    assert f"has {name} {versions()[name]} rather than 0.0.1" in fault


def test_all_versions_that_differ_are_named() -> None:
    with pytest.raises(ClusterError, match=r"numpy .* rather than 1, soxr .* rather than 2;"):
        check_versions({**versions(), "numpy": "1", "soxr": "2"})


def test_folders_that_are_not_seen_are_named(job: Job, tmp_path: Path) -> None:
    assert f"does not see the store's folder {tmp_path}/other" in (
        task.check(replace(job, pieces=str(tmp_path / "other" / "pieces"))).fault
    )
    assert "does not see the recording /nowhere/a.wav" in (
        task.check(replace(job, audio="/nowhere/a.wav")).fault
    )


def test_a_folder_only_for_reading_is_named(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *args: False)
    assert "may not write to the store's folder" in task.check(job).fault


def test_other_weights_are_refused(job: Job) -> None:
    assert "has other weights of fake" in task.check(replace(job, fingerprint="0" * 12)).fault


@pytest.mark.usefixtures("offline")
def test_weights_that_are_missing_are_named(job: Job) -> None:
    extractor = load_extractor("yamnet")
    fault = task.check(replace(job, extractor=pack(extractor))).fault
    assert "has no weights of yamnet" in fault


def test_a_run_that_is_over_embeds_nothing(job: Job) -> None:
    job.sign.unlink()
    assert "does not see the store's folder" in task.embed(job, 1, []).fault


def test_an_extractor_that_cannot_be_sent_is_named() -> None:
    extractor = FakeExtractor()
    extractor.batches = lambda: None  # type: ignore[assignment]
    with pytest.raises(UsageError, match="fake cannot be sent to workers"):
        pack(extractor)
