"""Recordings of phones, videos and Windows, from a folder to labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.audio.suffixes import EXTENSIONS, NOT_READ
from tests.conftest import Run
from tests.sounds import encode, noise, sine


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    """Return a folder with two labels, each in formats that libsndfile does not read."""
    for number, (suffix, codec) in enumerate(
        [("m4a", "aac"), ("3gp", "aac"), ("mp4", "aac"), ("wma", "wmav2"), ("mka", "libopus")]
    ):
        for label in ("tone", "rush"):
            path = tmp_path / "audio" / label / f"{number}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples = sine(500, 48_000, 48_000) if label == "tone" else noise(48_000, number)
            encode(path, samples, 48_000, codec, **({"picture": "mpeg4"} if number == 2 else {}))
    return tmp_path / "audio"


def test_from_a_folder_to_labels(project: Path, phones: Path, run: Run) -> None:
    indexed = run("index", phones, "--json").json
    assert (indexed["n_clips"], sorted(indexed["labels"])) == (10, ["rush", "tone"])
    assert indexed["problems"].get("unreadable", []) == []
    extracted = run("extract", "--extractor", "mfcc", "--json").json
    assert (extracted["n_added"], extracted["n_failed"]) == (10, 0)
    run("train")
    predicted = run("predict", phones / "tone", "--json").json
    assert [clip["label"] for clip in predicted] == ["tone"] * 5


def test_what_is_wrong_with_a_file_is_said(project: Path, phones: Path, run: Run) -> None:
    whole = (phones / "tone" / "0.m4a").read_bytes()
    (phones / "tone" / "cut.m4a").write_bytes(whole[: len(whole) // 2])
    (phones / "tone" / "text.m4a").write_text("no sound")
    (phones / "rush" / "called.wav").write_bytes(whole)
    problems = run("index", phones, "--json").json["problems"]
    assert problems["truncated"] == ["tone/cut.m4a"]
    assert problems["unreadable"] == ["tone/text.m4a"]
    extracted = run("extract", "--extractor", "mfcc", "--json").json
    assert {
        Path(failure["path"]).name: failure["message"] for failure in extracted["failures"]
    } == {
        "cut.m4a": "ends before the index of its samples (moov): it was not closed, or its end is "
        "missing",
        "text.m4a": "is not a sound file, but text",
    }


def test_suffixes_are_read_or_not() -> None:
    assert not EXTENSIONS & NOT_READ.keys()
    assert {".m4a", ".wav", ".3gp", ".webm"} < EXTENSIONS
    assert {".wac", ".w4v", ".aup3", ".mid"} < NOT_READ.keys()
