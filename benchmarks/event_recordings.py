"""Make recordings with known events from ESC-10: clips over the background of two sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 44_100  # Hz
SITES = ("rain and sea", "hum and noise")
LEVELS_DB = (-20.0, -10.0, 0.0)
"""Levels of the background relative to the sounding part of an event, decibels."""
BEDS = ("Rain", "Sea waves")
"""Classes that are background at the first site, and no events at either."""
N_RECORDINGS = 3  # of each site and level
PAUSE_S = (2.0, 6.0)  # between events
EVENT_RMS = 0.05
BACKGROUND_S = 120.0  # to train on

Signal = npt.NDArray[np.float64]
Spans = list[tuple[float, float, str]]


@dataclass(frozen=True)
class Made:
    """A recording that was made.

    Parameters
    ----------
    path : Path
    site : str
    level_db : float
    spans : list of (float, float, str)
        Where its events are.
    """

    path: Path
    site: str
    level_db: float
    spans: Spans


def list_clips(esc10: Path) -> list[tuple[Path, str]]:
    """Return the clips and their labels."""
    return [(path, path.parent.name.split(" - ")[-1]) for path in sorted(esc10.glob("*/*.ogg"))]


def is_of(path: Path, fold: str) -> bool:
    """Return whether a clip is of a fold."""
    return path.name.startswith(f"{fold}-")


def read(path: Path) -> Signal:
    """Return a clip without the zeros before and after it."""
    import soundfile

    sound, _ = soundfile.read(path)
    loud = np.flatnonzero(np.abs(sound) > 1e-3 * np.abs(sound).max())
    trimmed: Signal = sound[loud[0] : loud[-1] + 1]
    return trimmed


def active_rms(sound: Signal) -> float:
    """Return the root mean square of what is within 35 dB of the loudest 20 ms."""
    n = round(0.02 * RATE)
    parts = np.sqrt((np.pad(sound, (0, -len(sound) % n)).reshape(-1, n) ** 2).mean(axis=1))
    return float(np.sqrt((parts[parts >= parts.max() * 10 ** (-35 / 20)] ** 2).mean()))


def weather(clips: Sequence[Path], seconds: float, rng: np.random.Generator) -> Signal:
    """Return clips of rain and sea, one after the other, faded over into each other."""
    n, fade = round(seconds * RATE), round(0.5 * RATE)
    bed, at = np.zeros(n + 10 * RATE), 0
    while at < n:
        sound = read(clips[int(rng.integers(len(clips)))])
        sound = sound / sound.std()
        ramp = np.sin(np.linspace(0, np.pi / 2, fade))
        sound[:fade] *= ramp
        sound[-fade:] *= ramp[::-1]
        bed[at : at + len(sound)] += sound
        at += len(sound) - fade
    levelled: Signal = bed[:n] / bed[:n].std()
    return levelled


def hum(seconds: float, rng: np.random.Generator) -> Signal:
    """Return noise whose power falls with the frequency, and a hum of 50 Hz."""
    n = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20.0))
    noise = np.fft.irfft(spectrum, n)
    t = np.arange(n) / RATE
    tone = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 6))
    bed = noise / noise.std() + 0.5 * tone / np.std(tone)
    levelled: Signal = bed / bed.std()
    return levelled


def make_site(
    site: str, clips: Sequence[tuple[Path, str]], folder: Path, rng: np.random.Generator
) -> list[Made]:
    """Write the recordings of a site, and its background to train on.

    Rain and sea of the recordings are other clips than those of the background to train on.
    """
    import soundfile

    beds = [path for path, label in clips if label in BEDS]
    events = [(path, label) for path, label in clips if label not in BEDS]

    def bed(seconds: float, which: Sequence[Path]) -> Signal:
        return hum(seconds, rng) if site == SITES[1] else weather(which, seconds, rng)

    folder.mkdir(parents=True)
    (folder / "background").mkdir()
    for i in range(4):
        quiet = bed(BACKGROUND_S / 4, beds[::2]) * EVENT_RMS * 10 ** (rng.uniform(-20, 0) / 20)
        soundfile.write(folder / "background" / f"{i}.wav", np.clip(quiet, -1, 1), RATE)
    made = []
    for level_db in LEVELS_DB:
        order = rng.permutation(len(events))
        for number, part in enumerate(np.array_split(order, N_RECORDINGS)):
            path = folder / f"{level_db:.0f}-{number}.wav"
            sounds = [(read(events[i][0]), events[i][1]) for i in part]
            spans, signal = _place(sounds, rng)
            signal += bed(len(signal) / RATE, beds[1::2]) * EVENT_RMS * 10 ** (level_db / 20)
            soundfile.write(path, np.clip(signal, -1, 1), RATE)
            made.append(Made(path, site, level_db, spans))
    return made


def _place(sounds: Sequence[tuple[Signal, str]], rng: np.random.Generator) -> tuple[Spans, Signal]:
    at, spans = rng.uniform(*PAUSE_S), list[tuple[float, float, str]]()
    for sound, label in sounds:
        spans.append((at, at + len(sound) / RATE, label))
        at += len(sound) / RATE + rng.uniform(*PAUSE_S)
    signal = np.zeros(round(at * RATE))
    for (start, _, _), (sound, _) in zip(spans, sounds, strict=True):
        first = round(start * RATE)
        signal[first : first + len(sound)] += sound * (EVENT_RMS / active_rms(sound))
    return spans, signal
