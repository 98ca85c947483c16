"""Synthetic recordings of ten everyday sounds, for a demonstration that needs no download.

Every class is built from a small physical model (ringing modes, pulse trains, swept
oscillators, filtered noise) and is then "recorded" in a random room, through a random
microphone, over random background noise, so that takes of one class differ as real
recordings do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from audiotl_cli.audio.types import Waveform
from audiotl_cli.dataset.synthesis import (
    SAMPLE_RATE,
    Rng,
    add,
    beats,
    burst,
    convolve,
    filter,
    log_uniform,
    modes,
    noise,
    rms,
    smooth,
    unit,
    voice,
    wander,
)

# Frequencies of the first modes of an ideal circular membrane, relative to the lowest.
_MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.5])
# Partials of a tuned bell relative to its strike note: hum, prime, tierce, quint, nominal, ...
_BELL = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.17, 5.43])


def synthesise(label: str, take: int, *, seed: int = 0) -> Waveform:
    """Make one recording; the same arguments always give the same samples.

    Parameters
    ----------
    label : str
        One of `LABELS`.
    take : int
        Number of the take, 0 or more; each take is a different recording.
    seed : int, optional
        Seed of the whole set, 0 or more.

    Returns
    -------
    Waveform
        Mono samples, float32, shape (n_samples,), 1.5 to 4.5 seconds at `SAMPLE_RATE` Hz;
        the peak magnitude lies between 0.08 and 0.9.

    Raises
    ------
    ValueError
        If `label` is not one of `LABELS`, or `take` or `seed` is negative.
    """
    if label not in SOUNDS:
        raise ValueError(f"unknown label {label!r}; choose one of {', '.join(LABELS)}")
    rng = np.random.default_rng([seed, LABELS.index(label), take])
    n_samples = round(rng.uniform(1.5, 4.5) * SAMPLE_RATE)
    return _record(rng, SOUNDS[label](rng, n_samples))


def write_demo_sounds(folder: Path, takes: Sequence[int], *, seed: int = 0) -> int:
    """Write ``<label>/<label>-<take>.wav`` for every label, leaving files already there alone.

    A file appears under its name only when it is complete, so an interrupted call can
    simply be repeated.

    Parameters
    ----------
    folder : Path
        Folder to hold one subfolder per label; made if missing.
    takes : sequence of int
        Numbers of the takes of every label, 0 or more.
    seed : int, optional
        Seed of the whole set, 0 or more.

    Returns
    -------
    int
        Number of files newly written (16-bit PCM, mono, `SAMPLE_RATE` Hz).
    """
    import soundfile

    n_written = 0
    for label in LABELS:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for take in takes:
            path = folder / label / f"{label}-{take:02d}.wav"
            if path.exists():
                continue
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
            try:
                samples = synthesise(label, take, seed=seed)
                soundfile.write(part, samples, SAMPLE_RATE, subtype="PCM_16", format="WAV")
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            n_written += 1
    return n_written


def _alarm(rng: Rng, n_samples: int) -> Waveform:
    """Beep regularly with one to three fixed tones, as a piezo sounder does."""
    tones = log_uniform(rng, 1000, 3200) * rng.permutation([1.0, 1.26, 1.5])[: rng.integers(1, 4)]
    period = rng.uniform(0.12, 0.6)
    duty = rng.uniform(0.35, 0.7)
    n_beeps = rng.integers(2, 5)
    n_rests = rng.integers(0, 3)
    clock = np.arange(n_samples) / (SAMPLE_RATE * period) + rng.uniform(0, n_beeps)
    beep = clock.astype(np.int64)
    sounding = (clock % 1 < duty) & (beep % (n_beeps + n_rests) < n_beeps)
    gate = smooth(sounding.astype(np.float64), rng.uniform(0.003, 0.012))
    overtones = rng.uniform(0.1, 0.7) ** np.arange(6) * rng.uniform(0.3, 1, 6)
    return unit(gate * voice(tones[beep % tones.size], overtones))


def _bell(rng: Rng, n_samples: int) -> Waveform:
    """Strike a bell: inharmonic partials, split into beating pairs, high ones dying first."""
    pitch = log_uniform(rng, 350, 1600)
    ring = log_uniform(rng, 0.8, 3.0)
    ratios = np.repeat(_BELL * rng.normal(1, 0.012, _BELL.size), 2)
    ratios *= 1 + rng.uniform(0, 0.003, ratios.size)
    decays = ring / ratios ** rng.uniform(0.5, 1.1)
    strike_every = rng.uniform(0.35, 1.6)
    out = np.zeros(n_samples)
    for start in beats(rng, n_samples, strike_every, 0.05 * strike_every):
        amplitudes = rng.uniform(0.3, 1, ratios.size) * ratios ** -rng.uniform(0, 0.8)
        strike = modes(pitch * ratios, decays, amplitudes, n_samples - start)
        add(out, start, rng.uniform(0.6, 1) * strike)
        add(out, start, 0.8 * burst(rng, 0.008, 0.5, 1500, 7000))
    return unit(out)


def _chirp(rng: Rng, n_samples: int) -> Waveform:
    """Sing bird phrases: one swept syllable repeated quickly, then a pause."""
    out = np.zeros(n_samples)
    centre = log_uniform(rng, 2000, 4800)
    start = rng.uniform(0, 0.25)
    while start * SAMPLE_RATE < n_samples:
        seconds = rng.uniform(0.03, 0.16)
        ends = centre * rng.uniform(0.75, 1.35, 2)
        bend = centre * rng.uniform(-0.25, 0.25)
        warble = rng.choice([0.0, 0.06]) * centre
        gap = rng.uniform(0.02, 0.1)
        along = np.linspace(0, 1, round(seconds * SAMPLE_RATE))
        sweep = ends[0] + (ends[1] - ends[0]) * along + 4 * bend * along * (1 - along)
        sweep += warble * np.sin(2 * np.pi * 45 * seconds * along)
        syllable = np.sin(np.pi * along) ** 0.7 * voice(sweep, np.array([1, 0.12, 0.03]))
        for _ in range(rng.integers(2, 9)):
            add(out, round(start * SAMPLE_RATE), rng.uniform(0.6, 1) * syllable)
            start += seconds + gap
        start += rng.uniform(0.12, 0.6)
    return unit(out)


def _drum(rng: Rng, n_samples: int) -> Waveform:
    """Play a rhythm on one or two drums: damped membrane modes and a snap of noise."""
    out = np.zeros(n_samples)
    step = 60 / rng.uniform(75, 150) / rng.choice([2, 3])
    pitches = log_uniform(rng, 60, 240) * np.array([1.0, rng.uniform(1.2, 1.8)])
    ring = log_uniform(rng, 0.1, 0.4)
    snap = rng.uniform(0.1, 0.9)
    pattern = rng.random(8) < 0.55
    pattern[0] = True
    for beat, start in enumerate(beats(rng, n_samples, step, 0.006)):
        if not pattern[beat % 8]:
            continue
        force = (1.0 if beat % 4 == 0 else 0.65) * rng.uniform(0.8, 1)
        partials = pitches[rng.integers(2)] * _MEMBRANE
        amplitudes = rng.uniform(0.2, 1, partials.size) / _MEMBRANE
        hit = modes(partials, ring / _MEMBRANE, amplitudes, round(6 * ring * SAMPLE_RATE))
        add(out, start, force * hit)
        add(out, start, force * snap * burst(rng, 0.035, 0.3, 700, 8000))
    return unit(out)


def _engine(rng: Rng, n_samples: int) -> Waveform:
    """Fire cylinders at 20 to 120 Hz, unevenly and drifting, through an exhaust's resonances."""
    drift = 2 ** (rng.uniform(0.05, 0.45) * wander(rng, n_samples, 1.0))
    rate = np.clip(log_uniform(rng, 24, 95) * drift, 20, 120)
    firing = np.flatnonzero(np.diff(np.floor(np.cumsum(rate) / SAMPLE_RATE)))
    jitter = rng.normal(0, rng.uniform(0.003, 0.015), firing.size) * SAMPLE_RATE / rate[firing]
    at = np.clip(firing + np.rint(jitter).astype(np.int64), 0, n_samples - 1)
    cylinders = rng.uniform(0.5, 1, rng.choice([2, 3, 4, 6]))
    pulses = np.zeros(n_samples)
    pulses[at] = np.resize(cylinders, at.size) * rng.uniform(0.85, 1.15, at.size)
    resonances = 60 * 25.0 ** rng.uniform(0, 1, 6)
    exhaust = modes(resonances, rng.uniform(0.002, 0.012, 6), 1 / np.sqrt(resonances), 2048)
    tone = convolve(pulses, exhaust)
    puffs = convolve(pulses, np.exp(-np.arange(2048) / (0.006 * SAMPLE_RATE)))
    hiss = puffs * noise(rng, n_samples, 0.8, 200, 5000)
    return unit(tone / rms(tone) + rng.uniform(0.1, 0.6) * hiss / rms(hiss))


def _footsteps(rng: Rng, n_samples: int) -> Waveform:
    """Walk irregularly: a dull heel, then a brighter toe, on a floor that rings a little."""
    out = np.zeros(n_samples)
    stride = rng.uniform(0.36, 0.75)
    roll = rng.uniform(0.05, 0.14)
    brightness = log_uniform(rng, 1200, 6000)
    grit = log_uniform(rng, 0.012, 0.06)
    floor = rng.uniform(90, 420, 3)
    ring = rng.uniform(0.008, 0.03)
    for start in beats(rng, n_samples, stride, 0.05 * stride):
        force = rng.uniform(0.5, 1)
        knock = modes(floor * rng.normal(1, 0.06, 3), np.full(3, ring), np.ones(3), 4096)
        add(out, start, force * knock)
        add(out, start, force * burst(rng, 0.012, 1.0, 60, brightness))
        toe = start + round(roll * rng.uniform(0.8, 1.2) * SAMPLE_RATE)
        add(out, toe, force * rng.uniform(0.2, 0.7) * burst(rng, grit, 0.4, 500, brightness))
    return unit(out)


def _plucked_string(rng: Rng, n_samples: int) -> Waveform:
    """Pluck strings in turn: nearly harmonic modes shaped by where and how they are plucked."""
    out = np.zeros(n_samples)
    lowest = log_uniform(rng, 82, 330)
    ring = log_uniform(rng, 0.2, 1.0)
    position = rng.uniform(0.08, 0.45)
    softness = rng.uniform(0.5, 1.3)
    damping = log_uniform(rng, 0.002, 0.02)
    note_every = log_uniform(rng, 0.16, 0.9)
    for start in beats(rng, n_samples, note_every, 0.04 * note_every):
        pitch = lowest * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12, 14]) / 12)
        order = np.arange(1.0, 1 + min(48, int(0.45 * SAMPLE_RATE / pitch)))
        partials = pitch * order * np.sqrt(1 + 1e-4 * order**2)
        amplitudes = np.abs(np.sin(np.pi * order * position)) / order**softness
        note = modes(partials, ring / (1 + damping * order**2), amplitudes, n_samples - start)
        add(out, start, rng.uniform(0.6, 1) * note)
    return unit(out)


def _rain(rng: Rng, n_samples: int) -> Waveform:
    """Drop thousands of tiny ringing splashes at Poisson times over a steady hiss."""
    out = np.zeros(n_samples)
    rate = log_uniform(rng, 150, 2500)
    for _ in range(5):
        drops = rng.poisson(rate / 5 / SAMPLE_RATE, n_samples) * rng.exponential(1, n_samples)
        ring = rng.uniform(1e-4, 8e-4, 6)
        splash = modes(rng.uniform(900, 8000, 6), ring, np.ones(6), 256)
        out += convolve(drops * rng.choice([-1.0, 1.0], n_samples), splash)
    hiss = noise(rng, n_samples, rng.uniform(-0.5, 0.8), rng.uniform(300, 1200), 10_000)
    hiss *= 1 + 0.25 * wander(rng, n_samples, 2.0)
    return unit(out / rms(out) + rng.uniform(0.3, 1.2) * hiss / rms(hiss))


def _siren(rng: Rng, n_samples: int) -> Waveform:
    """Sweep a horn slowly between two pitches: wail, yelp or two-tone."""
    kind = rng.choice(["wail", "yelp", "two-tone"])
    slowest, fastest = {"wail": (0.25, 0.7), "yelp": (1.8, 4.0), "two-tone": (0.7, 1.4)}[kind]
    cycle = rng.uniform(slowest, fastest) * np.arange(n_samples) / SAMPLE_RATE + rng.uniform()
    height = 0.5 - 0.5 * np.cos(2 * np.pi * cycle)
    if kind == "two-tone":
        height = smooth((height > 0.5).astype(np.float64), 0.03)
    interval = rng.uniform(1.25, 1.5) if kind == "two-tone" else rng.uniform(1.6, 2.6)
    passing = 1 - rng.uniform(0, 0.05) * np.linspace(-1, 1, n_samples)
    pitch = rng.uniform(420, 850) * interval**height * passing
    overtones = np.arange(1, 9) ** -rng.uniform(0.8, 2.2) * rng.uniform(0.5, 1, 8)
    return unit(voice(pitch, overtones) * (1 + 0.3 * wander(rng, n_samples, 1.0)))


def _wind(rng: Rng, n_samples: int) -> Waveform:
    """Blow gusts: low rumble that brightens and whistles as the wind rises."""
    gust = (0.5 + 0.5 * wander(rng, n_samples, rng.uniform(0.8, 2.0))) ** 1.5
    steady = noise(rng, n_samples, 1.5, 30, rng.uniform(200, 500))
    rising = noise(rng, n_samples, 1.0, 80, rng.uniform(600, 1600))
    out = (0.3 + 0.7 * gust) * steady / rms(steady) + gust * rising / rms(rising)
    for pitch in log_uniform(rng, 300, 900) * np.array([1.0, rng.uniform(1.4, 2.2)]):
        # A resonance narrow in frequency is a tone whose strength is itself slow noise.
        flutter = noise(rng, n_samples, 0.0, 0, 15)
        whistle = flutter / rms(flutter) * voice(pitch * (0.8 + 0.5 * gust), np.ones(1))
        out += rng.uniform(0.2, 0.8) * gust**2 * whistle
    return unit(out)


SOUNDS: dict[str, Callable[[Rng, int], Waveform]] = {
    "alarm": _alarm,
    "bell": _bell,
    "chirp": _chirp,
    "drum": _drum,
    "engine": _engine,
    "footsteps": _footsteps,
    "plucked_string": _plucked_string,
    "rain": _rain,
    "siren": _siren,
    "wind": _wind,
}
LABELS: tuple[str, ...] = tuple(SOUNDS)


def _record(rng: Rng, sound: Waveform) -> Waveform:
    """Put a dry sound into a random room, background, microphone and recording level."""
    tail = round(log_uniform(rng, 0.08, 0.7) * SAMPLE_RATE)
    room = rng.normal(0, 1, tail) * np.exp(-6.9 * np.arange(tail) / tail)
    room *= rng.uniform(0.05, 0.5) / np.sqrt(np.sum(room**2))
    room[0] = 1.0
    low, high = log_uniform(rng, 20, 250), log_uniform(rng, 5000, 11_000)
    heard = filter(convolve(sound.astype(np.float64), room), 0.0, low, high)
    background = noise(rng, sound.size, rng.uniform(0.3, 1.7), low, high)
    background *= 10 ** (-rng.triangular(2, 20, 26) / 20) * rms(heard) / rms(background)
    level = 10 ** (-rng.uniform(1, 21) / 20)
    return unit(heard + background, level)
