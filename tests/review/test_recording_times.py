from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from audiotl_cli.audio.wav_notes import WavNotes
from audiotl_cli.errors import UsageError
from audiotl_cli.review.recording_times import (
    MODIFIED,
    NAME,
    NOTES,
    Began,
    Zones,
    before_time,
    began,
    device_in_notes,
    parse_zone,
    time_in_name,
)

EVENING = datetime(2024, 5, 1, 20, 15)
EAST = timezone(timedelta(hours=2))
AUDIOMOTH = "Recorded at 20:15:00 01/05/2024 ({}) by AudioMoth 24F319055FDF2205 at medium gain"


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("20240501_201500.WAV", EVENING),  # AudioMoth
        ("20240501_201500T.WAV", EVENING),  # triggered
        ("SITE_A_20240501_201500.wav", EVENING),  # Song Meter Mini, SM4
        ("SITE_0+1_20240501_201500.wav", EVENING),  # SM3
        ("SITE_20240501$201500.wav", EVENING),  # SM2
        ("S4U01234_20240501_201500_003.wav", EVENING),  # cut by Kaleidoscope
        ("S1234_20240501_201500-0500.wav", EVENING.replace(tzinfo=timezone(-timedelta(hours=5)))),
        ("S1234_20240501_201500Z.flac", EVENING.replace(tzinfo=UTC)),  # Swift
        ("20240501T201500+0200_REC.wav", EVENING.replace(tzinfo=EAST)),  # BAR
        ("2024-05-01T20-15-00.wav", EVENING),
        ("2024-05-01T20:15:00+02:00.wav", EVENING.replace(tzinfo=EAST)),
        ("garden 2024-05-01 20.15.00.mp3", EVENING),
        ("2024-05-01_20h15.ogg", EVENING),
        ("20240501201500.wav", EVENING),
        ("20240501T2015.wav", EVENING),
        ("6632A3A4.WAV", datetime(2024, 5, 1, 20, 18, 44, tzinfo=UTC)),  # AudioMoth's first
        ("20240501_0012.wav", None),  # the twelfth of that day
        ("20240501.wav", None),
        ("20240231_201500.wav", None),
        ("20240501_251500.wav", None),
        ("120240501_2015001.wav", None),
        ("57123456.wav", None),
        ("owl.wav", None),
    ],
)
def test_times_in_names(name: str, when: datetime | None) -> None:
    assert time_in_name(name) == when
    if when is not None:
        found = time_in_name(name)
        assert found is not None
        assert found.utcoffset() == when.utcoffset()


def test_what_precedes_the_time() -> None:
    assert before_time("SITE_A_20240501_201500.wav") == "SITE_A"
    assert before_time("SITE_0+1_20240501_201500.wav") == "SITE"
    assert before_time("20240501_201500.wav") == ""
    assert before_time("owl.wav") == ""


def at(path: str, notes: WavNotes) -> Began | None:
    return began(Path(path), 60.0, notes)


def test_a_note_of_the_same_time_adds_its_zone() -> None:
    guano = WavNotes({"Timestamp": "2024-05-01T20:15:00+02:00"})

    assert at("20240501_201500.wav", guano) == Began(EVENING.replace(tzinfo=EAST), NAME)


def test_a_name_may_be_in_utc_while_the_note_is_local() -> None:
    notes = WavNotes(comment=AUDIOMOTH.format("UTC-3:30"))

    found = at("20240501_234500.wav", notes)

    assert found == Began(datetime(2024, 5, 1, 23, 45, tzinfo=UTC), NAME)


def test_a_note_of_another_time_is_reported_and_the_name_counts() -> None:
    guano = WavNotes({"Timestamp": "2023-01-01T00:00:00+02:00"})

    assert at("20240501_201500.wav", guano) == Began(EVENING, NAME, disagrees=True)
    naive = WavNotes(created="2023-01-01 00:00:00")
    assert at("20240501_201500.wav", naive) == Began(EVENING, NAME, disagrees=True)


def test_notes_count_where_the_name_has_no_time() -> None:
    notes = WavNotes(comment=AUDIOMOTH.format("UTC"))

    assert at("owl.wav", notes) == Began(EVENING.replace(tzinfo=UTC), NOTES)
    assert device_in_notes(notes) == "24F319055FDF2205"
    assert at("owl.wav", WavNotes(created="2024-05-01 20:15:00")) == Began(EVENING, NOTES)
    assert at("owl.wav", WavNotes(created="2024-05-01")) is None


def test_a_file_was_modified_when_the_recording_ended(tmp_path: Path) -> None:
    path = tmp_path / "owl.wav"
    path.write_bytes(b"")
    os.utime(path, (1_714_594_560, 1_714_594_560))  # 20:16:00 UTC

    found = began(path, 60.0, WavNotes())

    assert found == Began(EVENING.replace(tzinfo=UTC), MODIFIED)
    assert began(tmp_path / "none.wav", 60.0, WavNotes()) is None


def test_zones() -> None:
    berlin = parse_zone("Europe/Berlin", "--zone")
    named = Began(EVENING, NAME)

    assert Zones().local(named).when == EVENING
    assert Zones(berlin).local(named).when.utcoffset() == timedelta(hours=2)
    assert Zones(berlin).local(named).when.hour == 20
    assert Zones(berlin, UTC).local(named).when.hour == 22
    stated = Began(EVENING.replace(tzinfo=UTC), NAME)
    assert Zones().local(stated).when.hour == 20
    assert Zones(berlin).local(stated).when.hour == 22


@pytest.mark.parametrize("text", ["UTC", "z", "+02:00", "-3", "UTC+5:30", "Europe/Berlin"])
def test_zones_that_are_known(text: str) -> None:
    parse_zone(text, "--zone")


@pytest.mark.parametrize("text", ["", "Nowhere", "../etc/passwd", "+25:00", "/etc", "\0", "CEST!"])
def test_zones_that_are_not(text: str) -> None:
    with pytest.raises(UsageError, match=r"--zone is .*expected UTC"):
        parse_zone(text, "--zone")
