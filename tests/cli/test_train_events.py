"""``audiotl train --for events``, and ``predict --segments`` with what it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import soundfile

from audiotl_cli.inference.events import Event, EventOptions
from audiotl_cli.workflows.listen import listen
from audiotl_cli.workflows.predict import load_model
from tests.conftest import Run

RATE = 16_000
LABELS = ("chirp", "low")


def hiss(rng: np.random.Generator, seconds: float) -> np.ndarray[Any, Any]:
    return rng.normal(0, 0.03, round(seconds * RATE))


def sound(label: str, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    t = np.arange(round(rng.uniform(1.5, 2.5) * RATE)) / RATE
    phase = 400 * rng.uniform(0.9, 1.1) * t
    return 0.3 * np.sin(2 * np.pi * (phase if label == "low" else 1000 * t + 1200 * t**2))


def write(path: Path, samples: np.ndarray[Any, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)


@pytest.fixture(scope="module")
def sounds_and_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with clips, background, a night and where its events are."""
    folder, rng = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    for label in LABELS:
        for i in range(10):
            clip = np.zeros(4 * RATE)
            event = sound(label, rng)
            clip[RATE : RATE + len(event)] = event
            write(folder / "clips" / label / f"{label}{i}.wav", clip)
    for i in range(3):
        write(folder / "quiet-nights" / f"{i}.wav", hiss(rng, 12))
    night, at, rows = hiss(rng, 60), 4.0, []
    for label in ("low", "chirp", "low", "chirp", "chirp"):
        event = sound(label, rng)
        first = round(at * RATE)
        night[first : first + len(event)] += event
        rows.append(f"{at}\t{at + len(event) / RATE}\t{label}")
        at += len(event) / RATE + 6
    write(folder / "night.wav", night)
    (folder / "night.txt").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def extracted(project: Path, sounds_and_night: Path, run: Run) -> Path:
    run("index", sounds_and_night / "clips")
    assert run("extract", "--extractor", "mfcc", "--hop-s", 0.5).code == 0
    return project


def truth(folder: Path) -> list[tuple[float, float, str]]:
    rows = [line.split("\t") for line in (folder / "night.txt").read_text().splitlines()]
    return [(float(start), float(end), label) for start, end, label in rows]


def check_night(segments: list[dict[str, Any]], folder: Path) -> None:
    expected = truth(folder)
    assert [event["label"] for event in segments] == [label for *_, label in expected]
    for event, (start, end, _) in zip(segments, expected, strict=True):
        assert event["start_s"] == pytest.approx(start, abs=0.75)
        assert event["end_s"] == pytest.approx(end, abs=0.75)


def test_events_are_found_over_a_background(
    extracted: Path, sounds_and_night: Path, run: Run
) -> None:
    quiet = sounds_and_night / "quiet-nights"
    trained = run("train", "--for", "events", "--background", quiet, "--json").json
    assert trained["labels"] == ["background", *LABELS]
    assert trained["background"]["seconds"] == pytest.approx(36)
    assert trained["background"]["n_mixed"] == trained["n_clips"]
    assert trained["frames"]["balanced_accuracy"] > 0.8
    assert trained["held_out"]["accuracy"] == 1
    night = sounds_and_night / "night.wav"
    (found,) = run("predict", night, "--segments", "--json").json
    check_night(found["segments"], sounds_and_night)
    (found,) = run("predict", night, "--segments", "--with-background", "--json").json
    assert "background" in {event["label"] for event in found["segments"]}
    (card,) = Path("data/models").glob("*.md")
    assert "a change costs 6 nats" in card.read_text()
    evaluated = run("evaluate")
    assert "the label heard most in each" in " ".join(evaluated.out.split())
    assert "accuracy 1.000" in evaluated.out
    assert run("model", "export", next(Path("data/models").glob("*.joblib"))).code == 2


def test_a_label_called_noise_is_the_background(
    project: Path, sounds_and_night: Path, run: Run
) -> None:
    rng = np.random.default_rng(1)
    for i in range(10):
        write(project / "clips" / "noise" / f"{i}.wav", hiss(rng, 4))
    for label in LABELS:
        (project / "clips" / label).symlink_to(sounds_and_night / "clips" / label)
    run("index", "clips", "--test-size", 0)
    run("extract", "--extractor", "mfcc", "--hop-s", 0.5)
    trained = run("train", "--for", "events", "--json").json
    assert trained["background"]["label"] == "noise"
    (found,) = run("predict", sounds_and_night / "night.wav", "--segments", "--json").json
    check_night(found["segments"], sounds_and_night)


def test_without_any_background_training_is_refused(project: Path, run: Run) -> None:
    """All of the clips is sound."""
    rng = np.random.default_rng(4)
    for label in LABELS:
        for i in range(4):
            write(project / "clips" / label / f"{label}{i}.wav", sound(label, rng))
    run("index", "clips", "--test-size", 0)
    run("extract", "--extractor", "mfcc")
    finished = run("train", "--for", "events")
    assert finished.code == 3
    assert "--background" in finished.err


def test_quiet_parts_of_clips_are_the_background_with_a_warning(
    project: Path, sounds_and_night: Path, run: Run
) -> None:
    rng = np.random.default_rng(3)
    for label in LABELS:
        for i in range(8):
            clip = hiss(rng, 8) / 100
            event = sound(label, rng)
            clip[RATE : RATE + len(event)] += event
            write(project / "clips" / label / f"{label}{i}.wav", clip)
    run("index", "clips", "--test-size", 0)
    run("extract", "--extractor", "mfcc")
    finished = run("train", "--for", "events")
    assert finished.code == 0
    assert "quiet parts of the clips" in finished.err
    assert "--background" in finished.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--background", "nothing"], "neither a label"),
        (["--pooling", "mean"], "--pooling cannot be combined with --for events"),
    ],
)
def test_wrong_options_are_refused(
    extracted: Path, run: Run, options: list[str], message: str
) -> None:
    finished = run("train", "--for", "events", *options)
    assert finished.code == 2
    assert message in " ".join(finished.err.split())
    assert not list((extracted / "data").glob("models/*"))


def test_a_background_for_a_model_of_clips_is_refused(extracted: Path, run: Run) -> None:
    finished = run("train", "--background", "low")
    assert finished.code == 2
    assert "--for events" in finished.err


def test_the_same_data_give_the_same_model(
    extracted: Path, sounds_and_night: Path, run: Run
) -> None:
    for name in "ab":
        options = ("--background", sounds_and_night / "quiet-nights", "--out", f"{name}.joblib")
        assert run("train", "--for", "events", *options).code == 0
    assert Path("a.joblib").read_bytes() == Path("b.joblib").read_bytes()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hop_s", 0.0), ("hop_s", 1e9), ("weight", 7.0), ("switch_cost", -1.0),
        ("background", "none of them"), ("background", 3), ("weight", "1"),
    ],
)  # fmt: skip
def test_a_damaged_card_is_refused(
    extracted: Path, sounds_and_night: Path, run: Run, name: str, value: object
) -> None:
    quiet = sounds_and_night / "quiet-nights"
    run("train", "--for", "events", "--background", quiet, "--out", "model.joblib")
    content = joblib.load("model.joblib")
    content["card"]["events"][name] = value
    joblib.dump(content, "other.joblib")
    night = sounds_and_night / "night.wav"
    finished = run("predict", night, "--segments", "--model", "other.joblib")
    assert finished.code == 5
    assert "damaged model" in finished.err


def test_thresholds_of_labels(extracted: Path, sounds_and_night: Path, run: Run) -> None:
    run("train", "--for", "events", "--background", sounds_and_night / "quiet-nights")
    night = sounds_and_night / "night.wav"
    (found,) = run("predict", night, "--segments", "--threshold", "low=1", "--json").json
    assert {event["label"] for event in found["segments"]} == {"chirp"}
    finished = run("predict", night, "--segments", "--threshold", "loow=0.5")
    assert finished.code == 2
    assert "did you mean" in finished.err
    for wrong in ("low=2", "low=", "0", "x"):
        assert run("predict", night, "--segments", "--threshold", wrong).code == 2


def test_annotated_recordings_train_with_what_lies_between(
    project: Path, sounds_and_night: Path, run: Run
) -> None:
    """Events of 0.4 s, shorter than a window, are learnt as they are in recordings."""
    rng = np.random.default_rng(5)
    for i in range(4):
        night, rows = hiss(rng, 60), []
        for k, start in enumerate(np.arange(3, 57, 4) + rng.uniform(0, 1, 14)):
            event = sound(LABELS[k % 2], rng)[: round(0.4 * RATE)]
            night[round(start * RATE) :][: len(event)] += event
            rows.append(f"{start}\t{start + 0.4}\t{LABELS[k % 2]}")
        write(project / "nights" / f"{i}.wav", night)
        (project / "nights" / f"{i}.txt").write_text("\n".join(rows) + "\n")
    run("index", "nights", "--labels-from", "annotations", "--test-size", 0)
    run("extract", "--extractor", "mfcc", "--hop-s", 0.5)
    trained = run("train", "--for", "events", "--json").json
    assert trained["background"]["origin"] == "the unlabelled stretches of 4 annotated recordings"
    assert trained["background"]["seconds"] > 100
    (found,) = run("predict", sounds_and_night / "night.wav", "--segments", "--json").json
    assert {event["label"] for event in found["segments"]} == set(LABELS)
    expected = truth(sounds_and_night)
    for start, end, label in expected:
        assert any(
            event["label"] == label and event["start_s"] < end and event["end_s"] > start
            for event in found["segments"]
        )


@pytest.mark.parametrize("n_block", [333, 16_000])
def test_a_stream_has_the_events_of_the_file(
    extracted: Path, sounds_and_night: Path, run: Run, n_block: int
) -> None:
    run("train", "--for", "events", "--background", sounds_and_night / "quiet-nights")
    model = load_model(next(Path("data/models").glob("*.joblib")))
    night, rate = soundfile.read(sounds_and_night / "night.wav", dtype="float32")
    (whole,) = model.predict(sounds_and_night / "night.wav", events=EventOptions())
    blocks = np.array_split(night, len(night) // n_block)
    reported: list[Event] = []
    heard = listen(
        model, blocks, rate, name="stdin", events=EventOptions(), on_event=reported.append
    )
    assert heard.segments is not None
    assert whole.segments is not None
    found, expected = [
        [(event.label, event.start_s, event.end_s) for event in events]
        for events in (heard.segments, whole.segments)
    ]
    assert found == expected
    assert len(found) == 5
    assert {event.label for event in reported} == set(LABELS)


def test_events_of_several_labels_overlap(project: Path, sounds_and_night: Path, run: Run) -> None:
    rng = np.random.default_rng(6)
    rows = ["path,label"]
    for i in range(24):
        labels = (["low"], ["chirp"], ["low", "chirp"])[i % 3]
        clip = sum(np.resize(sound(label, rng), 3 * RATE) for label in labels)
        write(project / "clips" / f"{i}.wav", np.asarray(clip))
        rows.append(f"{i}.wav,{';'.join(labels)}")
    (project / "clips.csv").write_text("\n".join(rows) + "\n")
    run("index", "clips", "--metadata", "clips.csv", "--test-size", 0)
    run("extract", "--extractor", "mfcc", "--hop-s", 0.5)
    quiet = sounds_and_night / "quiet-nights"
    trained = run("train", "--for", "events", "--background", quiet, "--json").json
    assert trained["labels"] == list(LABELS)
    night = hiss(rng, 30)
    for label, start in (("low", 5), ("chirp", 10)):
        event = np.resize(sound(label, rng), 10 * RATE)
        night[start * RATE :][: len(event)] += event
    write(project / "night.wav", night)
    (found,) = run("predict", "night.wav", "--segments", "--json").json
    assert {event["label"] for event in found["segments"]} == set(LABELS)
    low, chirp = (
        next(event for event in found["segments"] if event["label"] == label)
        for label in ("low", "chirp")
    )
    assert low["start_s"] < chirp["start_s"] < low["end_s"] < chirp["end_s"]
