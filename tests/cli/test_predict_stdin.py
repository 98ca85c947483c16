from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import REPOSITORY, Run


@pytest.fixture
def night(project: Path) -> Path:
    """Return a recording of sounds with quiet between them, 16 bits, stereo."""
    rng = np.random.default_rng(0)
    parts: list[Any] = [rng.normal(0, 1e-4, 3 * SAMPLE_RATE)]
    for take, label in enumerate(("rain", "chirp", "drum")):
        parts += [synthesise(label, 60 + take), rng.normal(0, 1e-4, 3 * SAMPLE_RATE)]
    path = project / "night.wav"
    mono = np.concatenate(parts)
    soundfile.write(path, np.stack([mono, mono], axis=1), SAMPLE_RATE, "PCM_16")
    return path


def samples(path: Path) -> bytes:
    data, _ = soundfile.read(path, dtype="int16")
    raw: bytes = data.astype("<i2").tobytes()
    return raw


def predict(model: Path, *args: object, sound: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "audiotl_cli", "predict", "-m", model, *args]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [str(part) for part in command], input=sound, capture_output=True, env=environment
    )


RAW = ("--raw-rate", SAMPLE_RATE, "--raw-channels", 2)


def test_silence_on_stdin_has_no_label(mfcc_model: Path) -> None:
    told = predict(mfcc_model, "--raw-rate", 16_000, "--json", sound=bytes(2 * 2 * 16_000))

    (value,) = json.loads(told.stdout)
    assert (value["label"], value["note"]) == (None, "silent")


def test_samples_on_stdin_are_the_recording(mfcc_model: Path, night: Path, run: Run) -> None:
    (expected,) = run("predict", "-m", mfcc_model, night, "--segments", "--json").json
    assert expected["segments"]

    told = predict(mfcc_model, *RAW, "--segments", "--json", sound=samples(night))
    lines = predict(
        mfcc_model, *RAW, "--segments", "--format", "jsonl", sound=samples(night)
    ).stdout.splitlines()

    (prediction,) = json.loads(told.stdout)
    assert prediction["path"] == "stdin"
    assert prediction["label"] == expected["label"]
    assert prediction["scores"] == pytest.approx(expected["scores"], abs=1e-5)
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for found in (prediction["segments"], events):
        assert [e["label"] for e in found] == [e["label"] for e in expected["segments"]]
        for key in ("start_s", "end_s", "score"):
            values = [e[key] for e in expected["segments"]]
            assert [e[key] for e in found] == pytest.approx(values, abs=1e-4)


def test_a_sound_file_on_stdin(mfcc_model: Path, night: Path, run: Run) -> None:
    (expected,) = run("predict", "-m", mfcc_model, night, "--segments", "--json").json

    told = predict(mfcc_model, "--stdin-audio", "--segments", "--json", sound=night.read_bytes())

    (prediction,) = json.loads(told.stdout)
    assert prediction == expected | {"path": "stdin"}


@pytest.mark.parametrize("args", [("--stdin-audio",), RAW])
def test_nothing_on_stdin_is_a_failure(mfcc_model: Path, args: tuple[object, ...]) -> None:
    finished = predict(mfcc_model, *args, "--json", sound=b"")

    assert finished.returncode == 1
    assert json.loads(finished.stdout)[0]["error"]["code"] == "empty"
    assert b"failed stdin: " in finished.stderr
    assert b"Traceback" not in finished.stderr


def test_an_event_is_told_before_the_stream_ends(mfcc_model: Path, night: Path) -> None:
    command = [sys.executable, "-m", "audiotl_cli", "predict", "-m", mfcc_model, *RAW]
    with subprocess.Popen(
        [str(part) for part in (*command, "--segments", "--format", "csv")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        process.stdin.write(samples(night))
        process.stdin.flush()
        begun = [process.stdout.readline().decode() for _ in range(2)]
        assert process.poll() is None  # it waits for more
        process.stdin.close()
        rest = process.stdout.read().decode()
        watchdog.cancel()

    assert process.returncode == 0
    (first, *_) = csv.DictReader([*begun, *rest.splitlines()])
    assert first["path"] == "stdin"
    assert float(first["end_s"]) > float(first["start_s"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "nothing to predict"),
        (["a.wav", "--stdin-audio"], "recordings and --stdin-audio cannot be combined"),
        (["--raw-rate", "16000", "--raw-format", "mp3"], "unknown format of samples 'mp3'"),
        (["--raw-rate", "16000", "--format", "raven"], "written to stdout as it arrives"),
        (["--raw-rate", "16000", "--output", "a.csv"], "written to stdout as it arrives"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    project: Path, run: Run, args: list[str], message: str
) -> None:
    finished = run("predict", *args, "--model", "gone.joblib")

    assert finished.code == 2
    assert message in finished.err


def test_patterns_are_expanded(mfcc_model: Path, new: Path, run: Run) -> None:
    (new / "deep").mkdir()
    (new / "rain.wav").rename(new / "deep" / "rain.wav")

    def paths(*args: str) -> list[str]:
        told = run("predict", "-m", mfcc_model, *args, "--json").json
        return [str(Path(prediction["path"]).relative_to("new")) for prediction in told]

    assert paths("new/*.wav") == ["chirp.wav", "drum.wav"]
    assert paths("new/**/*.wav") == ["chirp.wav", "deep/rain.wav", "drum.wav"]
    assert paths("new/*") == ["chirp.wav", "deep/rain.wav", "drum.wav"]
    assert paths("new/[cx]*.wav") == ["chirp.wav"]
    (new / "a[b].wav").write_bytes((new / "chirp.wav").read_bytes())
    assert paths("new/a[b].wav") == ["a[b].wav"]
    nothing = run("predict", "-m", mfcc_model, "new/*.flac")
    assert nothing.code == 3
    assert "new/*.flac is a pattern that nothing fits" in nothing.err


def test_columns_are_the_labels_in_the_models_order(mfcc_model: Path, new: Path, run: Run) -> None:
    from audiotl_cli.workflows.predict import load_model

    labels = load_model(mfcc_model).card.labels
    for name in ("=a", "+b", "-c", "@d"):
        (new / f"{name}.wav").write_bytes((new / "rain.wav").read_bytes())
    os.chdir(new)

    given = [f"{name}.wav" for name in ("=a", "+b", "@d")]
    text = run("predict", "-m", mfcc_model, *given, "--format", "csv", "--", "-c.wav").out

    rows = list(csv.reader(text.splitlines()))
    scores = [f"score:{label}" for label in labels]
    assert rows[0] == ["path", "label", "score", *scores, "note", "error"]
    assert sorted(row[0] for row in rows[1:]) == ["'+b.wav", "'-c.wav", "'=a.wav", "'@d.wav"]
