from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.errors import UsageError
from audiotl_cli.review.recording_times import NAME, Zones
from audiotl_cli.review.recordings import Recordings, describe_recordings
from tests.audio.test_wav_notes import chunk, with_chunks


def sites(*paths: str, regex: str | None = None) -> tuple[list[str], str]:
    found = describe_recordings({path: Path(path) for path in paths}, Zones(), regex)
    return [recording.site for recording in found.by_path.values()], found.sites_from


def test_sites_are_what_precedes_the_time() -> None:
    found = sites("N_20240501_203000.wav", "N_20240502_203000.wav", "x/S_20240501_203000.wav")

    assert found == (["N", "N", "S"], "names")


def test_sites_are_folders_without_dates() -> None:
    assert sites("a/wood/20240501_203000.wav", "a/bog/deep/20240501_203000.wav") == (
        ["wood", "bog"],
        "folders",
    )
    nights = ("2024-05-01/wood/20240501_203000.wav", "2024-05-02/bog/20240502_203000.wav")
    assert sites(*nights) == (["wood", "bog"], "folders")
    assert sites("2024-05-01/20240501_203000.wav", "2024-05-02/20240502_203000.wav") == (
        ["", ""],
        "",
    )


def test_one_site_is_not_named_after_folders_of_some() -> None:
    assert sites("20240501_203000.wav", "bog/20240501_203000.wav") == (["", ""], "")
    assert sites() == ([], "")


def test_sites_by_a_regular_expression() -> None:
    found = sites("a/p1-x.wav", "a/p2-x.wav", "a/other.wav", regex=r"/p(\d)-")

    assert found == (["1", "2", ""], "--site-regex")
    with pytest.raises(UsageError, match=r"fits none of 1 recording, such as a/p1-x\.wav"):
        sites("a/p1-x.wav", regex="(no)")


def described(*paths: Path) -> Recordings:
    return describe_recordings({path.name: path for path in paths}, Zones())


def test_sites_are_recorders_where_nothing_else_tells(tmp_path: Path) -> None:
    paths = [
        with_chunks(tmp_path / f"{n}.wav", chunk(b"guan", b"Serial: S%d\nTimestamp: x\n" % n))
        for n in (1, 2)
    ]

    found = described(*paths)

    assert found.sites_from == "recorders"
    assert [one.site for one in found.by_path.values()] == ["S1", "S2"]


def test_headers_say_how_long_recordings_are(tmp_path: Path) -> None:
    good, bad = tmp_path / "20240501_203000.wav", tmp_path / "20240501_213000.wav"
    soundfile.write(good, np.zeros(12_000, np.int16), 8000)
    bad.write_bytes(b"RIFF, but no sound")

    first, second, third = described(good, bad, tmp_path / "none.wav").by_path.values()

    assert (first.duration_s, first.source, first.missing) == (1.5, NAME, "")
    assert np.isnan(second.duration_s)
    assert "sound" in second.missing
    assert "no such file" in third.missing
    assert third.when is None
