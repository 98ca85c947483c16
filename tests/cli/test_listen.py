from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from audiotl_cli.dataset.demo_sounds import synthesise
from audiotl_cli.dataset.synthesis import SAMPLE_RATE
from tests.conftest import Run


class PortAudioError(Exception):
    pass


class Device(ModuleType):
    """What the package sounddevice gives us, with a device that plays a sound once."""

    PortAudioError = PortAudioError

    def __init__(self, sound: np.ndarray[Any, Any]) -> None:
        super().__init__("sounddevice")
        self.sound = sound.astype(np.float32)
        self.closed = False

    def query_devices(self, device: object = None, kind: str = "") -> Any:
        known = {"name": "Cardioid", "default_samplerate": SAMPLE_RATE, "max_input_channels": 1}
        if kind and device not in (None, 0, "Card"):
            raise ValueError(f"No input device matching {device!r}")
        return known if kind else [known]

    def InputStream(self, *, blocksize: int, callback: Any, **options: Any) -> Any:  # noqa: N802
        device = self

        class Stream:
            def start(self) -> None:
                buffer = np.empty((blocksize, 1), np.float32)
                for first in range(0, len(device.sound) - blocksize, blocksize):
                    buffer[:, 0] = device.sound[first : first + blocksize]
                    callback(buffer, blocksize, None, None)

            def close(self) -> None:
                device.closed = True

        return Stream()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    silence = np.random.default_rng(0).normal(0, 1e-4, 3 * SAMPLE_RATE)
    made = Device(np.concatenate([synthesise("rain", 60), silence, synthesise("drum", 61)]))
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    return made


def test_events_are_told_while_it_listens(
    mfcc_model: Path, project: Path, run: Run, device: Device
) -> None:
    finished = run(
        "listen", "-m", mfcc_model, "--seconds", 4, "--device", "Card", "--format", "jsonl"
    )

    assert finished.code == 0
    events = [json.loads(line) for line in finished.out.splitlines()]
    assert events[0]["label"] == "rain"
    assert {event["path"] for event in events} == {"microphone"}
    assert f"Listening at {SAMPLE_RATE} Hz" in finished.err
    assert device.closed


def test_a_device_that_falls_silent_is_told(
    mfcc_model: Path, project: Path, run: Run, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiotl_cli.audio.microphone.SILENT_S", 0.1)

    finished = run("listen", "-m", mfcc_model)

    assert finished.code == 1
    assert "rain" in finished.out
    assert "failed microphone: gives no sound any more" in finished.err


def test_a_missing_device_says_which_there_are(
    mfcc_model: Path, project: Path, run: Run, device: Device
) -> None:
    finished = run("listen", "-m", mfcc_model, "--device", "Tuba")

    assert finished.code == 3
    assert "no input device 'Tuba'" in finished.err
    assert "there are: 0: Cardioid" in finished.err


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (ImportError("No module named 'sounddevice'"), "pip install 'audiotl[live]'"),
        (OSError("PortAudio library not found"), "apt install libportaudio2"),
    ],
)
def test_what_is_missing_is_named(
    mfcc_model: Path,
    project: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    missing: Exception,
    message: str,
) -> None:
    class Finder:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "sounddevice":
                raise missing

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])

    finished = run("listen", "-m", mfcc_model)

    assert finished.code == 3
    assert message in finished.err
    assert "Traceback" not in finished.err
