"""Prepare the recordings for measurements, as Ogg files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.dataset.demo_sounds import write_demo_sounds

REPOSITORY = Path(__file__).parents[1]
N_RECORDINGS = 1_000
BLOCK = 1 << 14  # libsndfile's Vorbis encoder fails on larger blocks


@dataclass(frozen=True)
class Corpus:
    """Recordings.

    Parameters
    ----------
    name : str
        A readable description.
    folder : Path
        Holds them in ``ogg``.
    n_recordings : int
    audio_s : float
    sample_rates : list of int
        Hz.
    """

    name: str
    folder: Path
    n_recordings: int
    audio_s: float
    sample_rates: list[int]


def make_corpus(folder: Path, audio: Path | None) -> Corpus:
    """Write the same number of recordings of each kind into `folder`.

    Parameters
    ----------
    folder : Path
    audio : Path or None
        A folder of recordings; None takes ``AUDIOTL_BENCH_AUDIO``, else ESC-10 in the
        shared data where that is at hand, else makes the sounds of the demonstration.
    """
    name, source = _choose(folder, audio)
    recordings = find_recordings(source)
    if not recordings:
        raise SystemExit(f"{source} holds no recordings")
    step = max(1, len(recordings) // N_RECORDINGS)
    audio_s, rates = 0.0, set()
    chosen = _alternate(recordings[::step][:N_RECORDINGS])
    for number, path in enumerate(chosen):
        info = soundfile.info(path)
        audio_s += info.duration
        rates.add(info.samplerate)
        copy = folder / "ogg" / f"{number:03d}.ogg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == copy.suffix:
            copy.write_bytes(path.read_bytes())
        else:
            convert(path, copy)
    return Corpus(name, folder, len(chosen), audio_s, sorted(rates))


def convert(path: Path, to: Path) -> None:
    """Convert a recording to the format of the target's suffix, with 16 bits per sample."""
    with (
        soundfile.SoundFile(path) as file,
        soundfile.SoundFile(to, "w", file.samplerate, file.channels) as copy,
    ):
        for block in file.blocks(BLOCK, dtype="float32"):
            copy.write(block)


def write_joined(paths: list[Path], to: Path, audio_s: float) -> float:
    """Concatenate recordings repeatedly up to a length; return the actual length."""
    rate = soundfile.info(paths[0]).samplerate
    n_missing = round(audio_s * rate)
    with soundfile.SoundFile(to, "w", rate, 1) as file:
        for samples in _forever(paths, rate):
            part = samples[:n_missing]
            file.write(part)
            n_missing -= len(part)
            if not n_missing:
                return audio_s
    raise SystemExit(f"no recording at {rate} Hz among {len(paths)}")


def _forever(paths: list[Path], rate: int) -> Iterator[np.ndarray]:
    found = True
    while found:
        found = False
        for path in paths:
            samples, its_rate = soundfile.read(path, dtype="float32", always_2d=True)
            if its_rate == rate and len(samples):
                found = True
                yield samples.mean(axis=1)


def _choose(folder: Path, audio: Path | None) -> tuple[str, Path]:
    named = os.environ.get("AUDIOTL_BENCH_AUDIO")
    if audio is None and named:
        audio = Path(named)
    if audio is not None:
        return audio.name, audio
    shared = Path(os.environ.get("AUDIOTL_SHARED", REPOSITORY.parent / "shared"))
    if (esc10 := shared / "data" / "esc10").is_dir():
        return "ESC-10", esc10
    write_demo_sounds(folder / "sounds", range(N_RECORDINGS // 10))
    return "sounds of the demonstration", folder / "sounds"


def _alternate(recordings: list[Path]) -> list[Path]:
    """Order recordings so that the first ones come from many folders."""
    return [path for start in range(10) for path in recordings[start::10]]
