"""Recordings that were moved since their index was written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.faults import scene, write

EXTRACT = ("extract", "--extractor", "mfcc")


@pytest.fixture
def moved(project: Path, sounds: Path, run: Run) -> Path:
    """Return the folder that the recordings of an index were moved into."""
    shutil.copytree(sounds, "audio")
    run("index", "audio")
    (project / "disk").mkdir()
    return Path("audio").rename(project / "disk" / "audio")


def test_nothing_is_extracted_from_recordings_that_are_gone(moved: Path, run: Run) -> None:
    finished = run(*EXTRACT)

    assert finished.code == 3
    assert "none of the 24 recordings of data/index/audio.csv is below audio" in finished.err
    assert "a folder that does not exist" in finished.err
    assert "--audio-root DIR" in finished.err
    assert "Next:" not in finished.err


@pytest.mark.parametrize("folder", ["disk/audio", "disk"])
def test_the_folder_is_named(moved: Path, run: Run, folder: str) -> None:
    finished = run(*EXTRACT, "--audio-root", folder)

    assert finished.code == 0
    assert "24 clips added" in finished.out
    assert f"Next: audiotl train --audio-root {folder}" in finished.err
    assert run(*EXTRACT).code == 0  # by the hashes in the index, without the recordings
    trained = run("train", "--audio-root", folder)
    assert f"Next: audiotl evaluate --audio-root {folder}" in trained.err
    assert run("evaluate", "--audio-root", folder).code == 0


def test_a_folder_without_the_recordings(moved: Path, new: Path, run: Run) -> None:
    other = run(*EXTRACT, "--audio-root", new)
    missing = run(*EXTRACT, "--audio-root", "no")

    assert (other.code, missing.code) == (3, 3)
    assert f"none of the 24 recordings of data/index/audio.csv is below {new}" in other.err
    assert "--audio-root is no, which is not a folder" in missing.err


def test_training_on_recordings_without_hashes_that_are_gone(
    project: Path, sounds: Path, run: Run
) -> None:
    shutil.copytree(sounds, "audio")
    run("index", "audio", "--no-audit")
    run(*EXTRACT)
    Path("audio").rename("elsewhere")

    finished = run("train")

    assert finished.code == 3
    assert "--audio-root DIR" in finished.err
    assert run("train", "--audio-root", "elsewhere").code == 0


def test_some_recordings_are_gone(project: Path, sounds: Path, run: Run) -> None:
    shutil.copytree(sounds, "audio")
    run("index", "audio")
    Path("audio/rain/rain-00.wav").unlink()

    finished = run(*EXTRACT)

    assert finished.code == 1
    assert "23 clips added" in finished.out
    assert "rain-00.wav: no such file" in finished.err


def test_an_index_with_paths_of_windows(project: Path, run: Run) -> None:
    for label in ("a", "b"):
        write(Path("audio") / label / "1.wav", scene(1, 0.6))
    run("index", "audio", "--no-audit")
    index = Path("data/index/audio.csv")
    index.write_text(index.read_text().replace("/1.wav", "\\1.wav"))

    refused = run("extract", "--extractor", "mfcc")

    assert refused.code == 3
    assert "are those of Windows" in refused.err
    assert run("extract", "--extractor", "mfcc", "--audio-root", "audio").code == 0
