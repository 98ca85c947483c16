"""`audiotl predict` gives no label where there is nothing to hear, or nothing a model can hear."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from audiotl_cli.inference.events import Event, outside
from tests.conftest import Run

Write = Callable[..., Path]


@pytest.fixture
def write(project: Path) -> Write:
    def write(name: str, samples: object, rate: int = SAMPLE_RATE) -> Path:
        soundfile.write(name, np.asarray(samples, np.float32), rate, "FLOAT")
        return Path(name)

    return write


def pulses(hz: float, rate: int) -> object:
    rng = np.random.default_rng(0)
    t = np.arange(rate) / rate
    return 0.5 * np.sin(2 * np.pi * hz * t) * (t % 0.1 < 0.01) + rng.normal(0, 1e-3, rate)


@pytest.mark.parametrize(
    ("samples", "rate", "note"),
    [
        (np.zeros(3 * SAMPLE_RATE), SAMPLE_RATE, "silent"),
        (np.full(3 * SAMPLE_RATE, 0.3), SAMPLE_RATE, "silent"),
        (np.full((2 * 44_100, 2), [0.3, -0.1]), 44_100, "silent"),
        (
            np.outer(synthesise("rain", 50), [1, -1]),
            SAMPLE_RATE,
            "silent: the channels cancel each other out",
        ),
        (
            np.outer(synthesise("rain", 50), [1, -1])
            + np.random.default_rng(0).normal(0, 1e-4, (len(synthesise("rain", 50)), 2)),
            SAMPLE_RATE,
            "nearly silent: the channels cancel each other out",
        ),
        (pulses(45_000, 192_000), 192_000, "beyond 11 kHz, which this model cannot hear"),
    ],
    ids=["zeros", "offset", "stereo offset", "inverted", "inverted with noise", "ultrasound"],
)
def test_what_cannot_be_heard_has_no_label(
    write: Write, mfcc_model: Path, run: Run, samples: object, rate: int, note: str
) -> None:
    path = write("night.wav", samples, rate)

    finished = run("predict", "-m", mfcc_model, path, "--json")
    table = run("predict", "-m", mfcc_model, path, "--format", "csv").out.splitlines()
    shown = run("predict", "-m", mfcc_model, path).out

    (value,) = finished.json
    assert finished.code == 0
    assert (value["label"], value["note"]) == (None, note)
    assert sum(value["scores"].values()) == pytest.approx(1, abs=1e-4)
    assert table[0].endswith(",note,error")
    assert note in table[1]
    assert table[1].startswith("night.wav,,")
    assert note in shown
    assert run("predict", "-m", mfcc_model, path, "--format", "raven").code == 0
    assert len(Path("night.wav.selections.txt").read_text().splitlines()) == 1


def test_one_channel_that_is_silent_does_no_harm(write: Write, mfcc_model: Path, run: Run) -> None:
    path = write("a.wav", np.outer(synthesise("rain", 50), [1, 0, 0, 0]))

    (value,) = run("predict", "-m", mfcc_model, path, "--json").json

    assert value["label"] == "rain"
    assert "note" not in value


def test_channels_of_their_own_do_not_cancel(write: Write, mfcc_model: Path, run: Run) -> None:
    path = write("a.wav", np.random.default_rng(0).normal(0, 0.1, (2 * SAMPLE_RATE, 2)))

    assert "note" not in run("predict", "-m", mfcc_model, path, "--json").json[0]


def test_an_empty_list_on_stdin_is_said(
    mfcc_model: Path, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    finished = run("predict", "-m", mfcc_model, "-", "--json")

    assert (finished.code, finished.json) == (0, [])
    assert "no recordings are listed on stdin" in finished.err


def test_faint_sound_is_still_heard(write: Write, mfcc_model: Path, run: Run) -> None:
    path = write("a.wav", 1e-3 * synthesise("rain", 50))

    assert "note" not in run("predict", "-m", mfcc_model, path, "--json").json[0]


def test_a_recording_without_sound_stays_where_it_is(
    write: Write, mfcc_model: Path, run: Run
) -> None:
    path = write("a.wav", np.zeros(SAMPLE_RATE))

    finished = run("predict", "-m", mfcc_model, path, "--move-to", "sorted", "--output", "a.json")

    assert finished.code == 0
    assert path.is_file()
    assert '"note": "silent"' in Path("a.json").read_text()


def test_silent_stretches_are_no_events(write: Write, mfcc_model: Path, run: Run) -> None:
    rain = synthesise("rain", 50)
    sound_s = len(rain) / SAMPLE_RATE
    path = write("a.wav", np.concatenate([rain, np.zeros(4 * SAMPLE_RATE), rain]))
    predict = ("predict", "-m", mfcc_model, path, "--segments")

    (value,) = run(*predict, "--json").json
    rows = [line.split(",") for line in run(*predict, "--format", "csv").out.splitlines()[1:]]

    (silence,) = value["silences"]
    assert silence["start_s"] == pytest.approx(sound_s, abs=0.1)
    assert silence["end_s"] == pytest.approx(sound_s + 4, abs=0.1)
    assert "rain" in {event["label"] for event in value["segments"]}
    assert all(
        event["end_s"] <= silence["start_s"] or event["start_s"] >= silence["end_s"]
        for event in value["segments"]
    )
    assert [row[3:6:2] for row in rows if not row[3]] == [["", "silent"]]
    assert "(silent)" in run(*predict).out


def test_events_end_where_silence_begins() -> None:
    events = [Event(0, 6, "a", 0.5), Event(6, 8, "b", 0.9)]

    assert outside(events, [(1, 2), (5, 7)]) == [
        Event(0, 1, "a", 0.5),
        Event(2, 5, "a", 0.5),
        Event(7, 8, "b", 0.9),
    ]
    assert outside(events, []) == events
    assert outside(events, [(0, 9)]) == []
    assert outside(events, [(0, 7.999)]) == []  # the edge of a silence is no event


def test_one_label_for_a_long_recording_is_said_to_be_an_average(
    write: Write, mfcc_model: Path, run: Run
) -> None:
    rain = synthesise("rain", 50)
    long = write("night.wav", np.tile(rain, int(130 * SAMPLE_RATE / len(rain))))
    short = write("short.wav", rain)

    finished = run("predict", "-m", mfcc_model, long, short)
    both = run("predict", "-m", mfcc_model, long, write("other.wav", np.tile(rain, 30)))

    assert "night.wav: one label for all 2 min 09 s, by their average; --segments" in finished.err
    assert "2 recordings of up to 2 min 09 s have one label each" in both.err
    assert "--segments shows" not in run("predict", "-m", mfcc_model, long, "--segments").err
    assert "--segments shows" not in run("predict", "-m", mfcc_model, short).err
