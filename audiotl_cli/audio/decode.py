"""Read sound files block by block, in constant memory, whatever their length.

libsndfile decodes what it knows: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, AU, CAF, W64, ... with
8 to 64 bits a sample and any number of channels. FFmpeg decodes the rest: AAC, ALAC, AMR, WMA and
the sound of videos. What a file holds decides, not its name. Headers are not believed: lengths come
from the samples that arrive.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.audio.channels import loudest, mix_down, place_of
from audiotl_cli.audio.cut_short import is_cut_short
from audiotl_cli.audio.ffmpeg import FfmpegSound
from audiotl_cli.audio.libsndfile import SndSound
from audiotl_cli.audio.objects import open_object
from audiotl_cli.audio.reasons import N_HEAD, what_it_is, why_missing
from audiotl_cli.audio.sound import Sound, UnknownFormatError
from audiotl_cli.audio.types import AudioInfo, AudioSource, Samples, Waveform
from audiotl_cli.errors import AudioError
from audiotl_cli.extractor_config import LOUDEST
from audiotl_cli.files import NotAFileError, regular_descriptor
from audiotl_cli.storage.contents import ChangedFileError, Content, OpenContent
from audiotl_cli.storage.paths import AnyPath

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1_000, 768_000
"""Hz. Outside this range a header is damaged or not of sound."""

BLOCK_SAMPLES = 1 << 18
"""Samples read at once over all channels: 1 MiB of float32."""


def probe(path: AnyPath) -> AudioInfo:
    """Return what the header of a sound file claims.

    Raises
    ------
    AudioError
        The file is missing, empty, not audio, or has an absurd sample rate.
    """
    with open_sound(path) as sound:
        duration_s = math.nan if sound.n_frames is None else sound.n_frames / sound.sample_rate
        return AudioInfo(sound.sample_rate, sound.n_channels, duration_s, is_cut_short(path))


def read_blocks(
    source: AudioSource, on_channels: Callable[[Any], None] | None = None
) -> Iterator[tuple[Waveform, int]]:
    """Decode a source into mono blocks at the file's own rate.

    Channels become one, as the source says; for its loudest channel, the source is decoded twice.
    Memory does not grow with the file. A truncated file gives the samples it holds if its format
    allows that (WAV, MP3, Ogg); with other formats (FLAC) it gives the blocks before the damage,
    and then an error. `on_channels` is called with every block of several channels,
    (n_samples, n_channels), before they become one.

    Yields
    ------
    block : float32 (n_samples,)
    sample_rate : int
        Hz, the same for every block.

    Raises
    ------
    AudioError
        As `probe`; also when no sample or a sample that is not a finite number arrives.
    """
    place = _loudest(source) if source.channel == LOUDEST else place_of(source.channel)
    with open_sound(source.path, source.content) as sound:
        for block in channel_blocks(sound, source):
            if on_channels is not None and sound.n_channels > 1:
                on_channels(block)
            yield mix_down(block, place), sound.sample_rate


def _loudest(source: AudioSource) -> int:
    """Decode a source for the first time, to find its loudest channel."""
    with open_sound(source.path, source.content) as sound:
        return loudest(channel_blocks(sound, source)) if sound.n_channels > 1 else 0


def channel_blocks(
    sound: Sound, source: AudioSource, n_block: int | None = None
) -> Iterator[Samples]:
    """Decode the stretch of a file that a source names; errors as `read_blocks`.

    Parameters
    ----------
    sound : Sound
        From `open_sound`.
    source : AudioSource
    n_block : int or None
        Samples to read at once, over all channels; None is `BLOCK_SAMPLES`.

    Yields
    ------
    block : float32 (n_samples, n_channels)
    """
    rate = sound.sample_rate
    start = round((source.start_s or 0.0) * rate)
    remaining = math.inf if source.end_s is None else round(source.end_s * rate) - start
    if start:
        sound.skip(start)
    block_frames = max(1, (n_block or BLOCK_SAMPLES) // sound.n_channels)
    n_read = 0
    while remaining > 0:
        block = sound.read(int(min(block_frames, remaining)))
        if len(block) == 0:
            break
        n_read += len(block)
        remaining -= len(block)
        yield block
    if n_read == 0 and not start and sound.lacks(0):
        raise AudioError("holds no audio samples: its end is missing", code="cut_short")
    if n_read == 0:
        where = f" from {start / rate:.3f} s on" if start else ""
        raise AudioError(f"holds no audio samples{where}", code="empty")


def read(source: AudioSource) -> tuple[Waveform, int]:
    """Decode a whole source into one mono waveform; see `read_blocks`."""
    blocks = list(read_blocks(source))
    return np.concatenate([block for block, _ in blocks]), blocks[0][1]


@contextmanager
def open_sound(path: AnyPath, content: Content | None = None) -> Iterator[Sound]:
    """Open a sound file; errors as `probe`.

    With `content`, also ``changed`` where the file is not the one that was hashed, at the
    beginning or at the end.
    """
    if not isinstance(path, Path):
        with open_object(path) as reader, _sound(reader) as sound:
            yield sound
        return
    try:
        # a descriptor, because libsndfile cannot open names that are not valid UTF-8
        descriptor = regular_descriptor(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioError(why_missing(path), code="missing", stage="open") from error
    except IsADirectoryError as error:
        raise AudioError("is a folder, not a sound file", stage="open") from error
    except NotAFileError as error:
        raise AudioError("is a pipe or device, not a sound file", stage="open") from error
    except OSError as error:
        raise AudioError(f"cannot be opened ({error.strerror})", stage="open") from error
    with os.fdopen(descriptor, "rb", buffering=0) as file, _checked(path, descriptor, content):
        if os.fstat(descriptor).st_size == 0:
            raise AudioError("is an empty file (0 bytes)", code="empty", stage="open")
        with _sound(file) as sound:
            yield sound


@contextmanager
def _checked(path: Path, descriptor: int, content: Content | None) -> Iterator[None]:
    """Raise an error if the file that is read is not the one that was hashed."""
    if content is None:
        yield
        return
    try:
        opened = OpenContent(descriptor, content)
        try:
            yield
        except AudioError:  # the file may only be half written
            opened.check(path)
            raise
        opened.check(path)
    except (ChangedFileError, FileNotFoundError) as error:
        raise AudioError(str(ChangedFileError()), code="changed", stage="open") from error
    except OSError as error:
        raise AudioError(f"cannot be read ({error.strerror})", stage="open") from error


@contextmanager
def _sound(file: Any) -> Iterator[Sound]:
    with closing(_decoder_of(file)) as sound:
        if not MIN_SAMPLE_RATE <= sound.sample_rate <= MAX_SAMPLE_RATE:
            raise AudioError(
                f"has a sample rate of {sound.sample_rate} Hz, expected "
                f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}",
                code="bad_rate",
                stage="open",
            )
        yield sound


def _decoder_of(file: Any) -> Sound:
    """Return the file as it is decoded by the first decoder that knows it."""
    try:
        return SndSound(file)
    except UnknownFormatError as error:
        unknown = error
    file.seek(0)
    if kind := what_it_is(file.read(N_HEAD)):
        raise AudioError(f"is not a sound file, but {kind}", stage="open") from unknown
    try:
        return FfmpegSound(file)
    except UnknownFormatError:
        raise AudioError(
            f"is not a sound file that can be decoded ({unknown})", stage="open"
        ) from unknown
