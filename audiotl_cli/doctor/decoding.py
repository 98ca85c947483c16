"""Whether recordings can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.doctor.finding import Finding, first_line
from audiotl_cli.doctor.installation import package_version
from audiotl_cli.leftovers import temporary_folder

TONE_HZ, TONE_S, TONE_RATE = 1000, 0.5, 48_000
FORMATS = {
    "WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III", "M4A": "aac",
}  # fmt: skip
LEAST_LIKE = 0.9
"""Correlation of a tone with what comes back; MP3 gave 0.99, another tone would give 0."""


def check_decoding() -> Iterator[Finding]:
    """Write a tone in every format, and read it as recordings are read."""
    import soundfile

    t = np.arange(round(TONE_S * TONE_RATE)) / TONE_RATE
    tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * t)
    heard, failed = [], []
    with temporary_folder() as folder, Decoders() as decoders:
        for name, subtype in FORMATS.items():
            path = folder / f"tone.{name.lower()}"
            try:
                write = _write_by_ffmpeg if name == "M4A" else soundfile.write
                write(path, tone, TONE_RATE, format=name, subtype=subtype)
                blocks = list(decoders.read_blocks_at(AudioSource(path), 16_000, "soxr"))
                check_tone(np.concatenate(blocks))
                heard.append(name)
            except Exception as error:  # a broken installation fails in any way
                failed.append(f"{name} ({first_line(error)})")
    versions = [f"{name} {package_version(name)}" for name in ("av", "soxr")]
    library = ", ".join([f"libsndfile {soundfile.__libsndfile_version__}", *versions])
    if heard:
        yield Finding("decoding", "good", f"{', '.join(heard)} by {library}")
    if failed:
        advice = "pip install --force-reinstall av soundfile soxr"
        yield Finding("decoding", "bad", f"{'; '.join(failed)} by {library}", advice)


def _write_by_ffmpeg(path: Path, tone: Any, rate: int, *, format: str, subtype: str) -> None:
    import av

    with av.open(str(path), "w", format=format.replace("M4A", "ipod")) as file:
        stream = file.add_stream(subtype, rate=rate, layout="mono")
        for start in range(0, len(tone), 1024):
            samples = tone[None, start : start + 1024].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = rate
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def check_tone(samples: Waveform) -> None:
    """Raise `ValueError` unless samples are the tone that was written."""
    expected = np.exp(2j * np.pi * TONE_HZ * np.arange(len(samples)) / 16_000)
    like = abs(samples @ expected) / np.linalg.norm(samples) / np.sqrt(len(samples) / 2)
    if not like > LEAST_LIKE:
        raise ValueError("the decoded sound differs")
