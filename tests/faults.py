"""A folder of recordings with faults that are known."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from audiotl_cli.audio.resample import resample

RATE = 22_050
SECONDS = 1.5

Sound = npt.NDArray[np.float64]


def scene(seed: int, seconds: float = SECONDS, rate: int = RATE) -> Sound:
    """Return noise in bursts, other for every seed: full spectrum, no two stretches alike."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate)
    bursts = np.interp(np.arange(n), np.linspace(0, n, 12), rng.uniform(0.1, 1, 12))
    sound = rng.standard_normal(n) * bursts
    return np.asarray(0.5 * sound / np.abs(sound).max())


def rumble(seed: int) -> Sound:
    """Return a sound without high notes, full scale."""
    sound = np.convolve(scene(seed), np.hanning(40), "same")
    return np.asarray(sound / np.abs(sound).max())


def chirps(frequency: float, seed: int, rate: int = 48_000) -> Sound:
    """Return a sound around a frequency, over quiet noise."""
    loudness = np.convolve(scene(seed, rate=rate), np.hanning(rate // 500), "same")
    sound = loudness * np.sin(2 * np.pi * frequency * np.arange(len(loudness)) / rate)
    return np.asarray(0.5 * sound / np.abs(sound).max() + 0.001 * scene(seed + 100, rate=rate))


def write(path: Path, sound: Sound, rate: int = RATE, subtype: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    form = "OGG" if path.suffix == ".opus" else None
    if form:
        subtype = "OPUS"
    soundfile.write(path, sound, rate, subtype, format=form)


def cut(path: Path, share: float) -> None:
    """Take off the end of a file."""
    os.truncate(path, round(share * path.stat().st_size))


def plant(folder: Path) -> dict[str, set[str]]:
    """Write 24 clean clips of two labels and as many with faults.

    Returns
    -------
    faults : dict
        Code to the paths that have it, ``split_leak`` left out: it depends on the split.
    """
    for i in range(24):
        write(folder / "ab"[i % 2] / f"clean-{i:02d}.wav", scene(i))
    faults: dict[str, set[str]] = {}

    def fault(codes: str, name: str, make: Callable[[Path], object]) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        make(path)
        for code in codes.split():
            faults.setdefault(code, set()).add(name)

    loud, dark = scene(90) * 8, scene(91, rate=8_000)
    fault("unreadable", "a/text.wav", lambda path: path.write_text("no sound at all"))
    fault("unreadable", "a/zeros.flac", lambda path: path.write_bytes(bytes(4000)))
    fault("unreadable", "b/nan.wav", lambda path: write(path, scene(1) * np.nan, RATE, "FLOAT"))
    fault("empty", "a/nothing.wav", lambda path: path.touch())
    fault("empty", "b/header.wav", lambda path: write(path, np.zeros(0)))
    fault("silent", "a/silent.wav", lambda path: write(path, np.zeros(RATE)))
    fault("silent", "b/silent.flac", lambda path: write(path, np.zeros(RATE)))
    fault("silent", "b/hum.wav", lambda path: write(path, scene(80) * 1e-4))
    pulses = rumble(94)[:, None] * 0.5
    fault("cancelling_channels", "a/inverted.wav", lambda path: write(path, pulses * [1, -1]))
    fault(
        "cancelling_channels", "b/nearly.flac", lambda path: write(path, pulses[::-1] * [1, -0.9])
    )
    fault("ultrasonic", "a/bat.wav", lambda path: write(path, chirps(45_000, 96, 192_000), 192_000))
    fault("beyond_band", "b/bush-cricket.wav", lambda path: write(path, chirps(12_000, 97), 48_000))
    fault("silent_channel", "a/left.wav", lambda path: write(path, scene(98)[:, None] * [1, 0]))
    fault(
        "silent_channel", "b/one.wav", lambda path: write(path, scene(99)[:, None] * [0, 0, 1, 0])
    )
    fault("clipped", "a/loud.wav", lambda path: write(path, np.clip(loud, -1, 1)))
    fault(
        "clipped",
        "b/loud8.wav",
        lambda path: write(path, np.clip(loud[::-1], -1, 1), RATE, "PCM_U8"),
    )
    fault("clipped", "b/loud.ogg", lambda path: write(path, np.clip(4 * rumble(92), -1, 1)))
    fault("dc_offset", "a/offset.wav", lambda path: write(path, scene(81) * 0.5 + 0.2))
    fault("dc_offset", "b/offset.ogg", lambda path: write(path, scene(82) * 0.5 - 0.1))
    fault("too_short", "a/short.wav", lambda path: write(path, scene(83, 0.2)))
    fault("too_short", "b/short.ogg", lambda path: write(path, scene(84, 0.3)))
    fault("upsampled", "a/up.wav", lambda path: write(path, raised(dark, 8_000, RATE)))
    fault(
        "upsampled", "b/up.flac", lambda path: write(path, raised(scene(93), RATE, 44_100), 44_100)
    )
    for seed, name in enumerate(
        ("a/cut.wav", "a/cut.aiff", "b/cut.mp3", "b/cut.opus", "b/cut.flac")
    ):
        fault("truncated", name, lambda path: write(path, scene(60 + seed, 2.0, 24_000), 24_000))  # noqa: B023
        cut(folder / name, 0.6)
    faults["unreadable"].add("b/cut.flac")
    fault("truncated", "b/long.ogg", lambda path: write(path, scene(70, 8.0)))
    fault("truncated empty", "b/page.ogg", lambda path: write(path, scene(71)))
    cut(folder / "b/long.ogg", 0.9)
    cut(folder / "b/page.ogg", 0.6)
    same, other, pair = np.int16(scene(100) * 32767), scene(101), scene(102)
    fault("duplicate", "a/same.wav", lambda path: soundfile.write(path, same, RATE))
    fault("duplicate", "a/same.flac", lambda path: soundfile.write(path, same, RATE))
    fault("near_duplicate", "a/near.wav", lambda path: write(path, other))
    fault("near_duplicate", "a/near.ogg", lambda path: write(path, 0.4 * other[100:]))
    fault("near_duplicate", "a/near.mp3", lambda path: write(path, other[2_000:-4_000]))
    fault("duplicate label_conflict", "a/both.wav", lambda path: write(path, pair))
    fault("duplicate label_conflict", "b/both.wav", lambda path: write(path, pair))
    return faults


def raised(sound: Sound, rate: int, to_rate: int) -> Sound:
    """Return a sound at a higher rate."""
    return resample(sound.astype(np.float32), rate, to_rate, "soxr").astype(np.float64)
