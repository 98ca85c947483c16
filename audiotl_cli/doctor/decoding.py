"""Whether recordings can be read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.doctor.finding import Finding, first_line
from audiotl_cli.doctor.installation import package_version
from audiotl_cli.errors import AudiotlError
from audiotl_cli.leftovers import temporary_folder

TONE_HZ, TONE_S, TONE_RATE = 1000, 0.5, 48_000
FORMATS = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
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
                soundfile.write(path, tone, TONE_RATE, format=name, subtype=subtype)
                blocks = list(decoders.read_blocks_at(AudioSource(path), 16_000, "soxr"))
                check_tone(np.concatenate(blocks))
                heard.append(name)
            except (AudiotlError, soundfile.SoundFileError, ValueError) as error:
                failed.append(f"{name} ({first_line(error)})")
    library = f"libsndfile {soundfile.__libsndfile_version__}, soxr {package_version('soxr')}"
    if heard:
        yield Finding("decoding", "good", f"{', '.join(heard)} by {library}")
    if failed:
        advice = "pip install --force-reinstall soundfile soxr"
        yield Finding("decoding", "bad", f"{'; '.join(failed)} by {library}", advice)


def check_tone(samples: Waveform) -> None:
    """Raise `ValueError` unless samples are the tone that was written."""
    expected = np.exp(2j * np.pi * TONE_HZ * np.arange(len(samples)) / 16_000)
    like = abs(samples @ expected) / np.linalg.norm(samples) / np.sqrt(len(samples) / 2)
    if not like > LEAST_LIKE:
        raise ValueError("the decoded sound differs")
