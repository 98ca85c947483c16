"""Read sound files block by block, in constant memory, whatever their length.

Everything libsndfile reads is read here: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, AU,
CAF, W64, ... with 8 to 64 bits a sample and any number of channels. Headers are not
believed: lengths come from the samples that arrive.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiotl_cli.audio.cut_short import is_cut_short
from audiotl_cli.audio.objects import Reader, open_object
from audiotl_cli.audio.reasons import N_HEAD, what_it_is, why_missing
from audiotl_cli.audio.types import AudioInfo, AudioSource, Waveform
from audiotl_cli.errors import AudioError
from audiotl_cli.files import NotAFileError, regular_descriptor
from audiotl_cli.storage.contents import ChangedFileError, Content, OpenContent
from audiotl_cli.storage.paths import AnyPath

if TYPE_CHECKING:
    import soundfile

_ENDINGS = "wav wave flac ogg oga opus mp3 aif aiff aifc au snd caf w64 rf64 voc sph"
EXTENSIONS = frozenset(f".{ending}" for ending in _ENDINGS.split())
"""File names with these endings are taken for recordings (headerless formats are not)."""

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1_000, 768_000
"""Hz. Outside this range a header is damaged or not of sound."""

MAX_SAMPLE = 1e6
"""Larger samples are damage; their squares would overflow in the front ends."""

BLOCK_SAMPLES = 1 << 18
"""Samples read at once over all channels: 1 MiB of float32."""


def probe(path: AnyPath) -> AudioInfo:
    """Return what the header of a sound file claims.

    Raises
    ------
    AudioError
        The file is missing, empty, not audio, or has an absurd sample rate.
    """
    with open_sound(path) as file:
        # libsndfile gives SF_COUNT_MAX for streams of unknown length
        known = 0 <= file.frames < 1 << 62
        duration_s = file.frames / file.samplerate if known else math.nan
        return AudioInfo(file.samplerate, file.channels, duration_s, is_cut_short(path))


def read_blocks(
    source: AudioSource, on_channels: Callable[[Any], None] | None = None
) -> Iterator[tuple[Waveform, int]]:
    """Decode a source into mono blocks at the file's own rate.

    Channels are averaged. Memory does not grow with the file. A truncated file gives the samples
    it holds if its format allows that (WAV, MP3, Ogg); with other formats (FLAC) it gives the
    blocks before the damage, and then an error. `on_channels` is called with every block of several
    channels, (n_samples, n_channels), before it is mixed down.

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
    with open_sound(source.path, source.content) as file:
        for block in channel_blocks(file, source):
            if on_channels is not None and file.channels > 1:
                on_channels(block)
            yield mix_down(block), file.samplerate


def channel_blocks(
    file: soundfile.SoundFile, source: AudioSource, n_block: int | None = None
) -> Iterator[Any]:
    """Decode the stretch of a file that a source names; errors as `read_blocks`.

    Parameters
    ----------
    file : SoundFile
        From `open_sound`.
    source : AudioSource
    n_block : int or None
        Samples to read at once, over all channels; None is `BLOCK_SAMPLES`.

    Yields
    ------
    block : float32 (n_samples, n_channels)
    """
    rate = file.samplerate
    start = round((source.start_s or 0.0) * rate)
    remaining = math.inf if source.end_s is None else round(source.end_s * rate) - start
    if start:
        _skip(file, start)
    block_frames = max(1, (n_block or BLOCK_SAMPLES) // file.channels)
    n_read = 0
    while remaining > 0:
        block = _read(file, int(min(block_frames, remaining)))
        if len(block) == 0:
            break
        n_read += len(block)
        remaining -= len(block)
        yield block
    if n_read == 0:
        where = f" from {start / rate:.3f} s on" if start else ""
        raise AudioError(f"holds no audio samples{where}", code="empty")


def read(source: AudioSource) -> tuple[Waveform, int]:
    """Decode a whole source into one mono waveform; see `read_blocks`."""
    blocks = list(read_blocks(source))
    return np.concatenate([block for block, _ in blocks]), blocks[0][1]


@contextmanager
def open_sound(path: AnyPath, content: Content | None = None) -> Iterator[soundfile.SoundFile]:
    """Open a sound file; errors as `probe`.

    With `content`, also ``changed`` where the file is not the one that was hashed, at the
    beginning or at the end.
    """
    if not isinstance(path, Path):
        with open_object(path) as reader, _sound(reader) as file:
            yield file
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
    with os.fdopen(descriptor, "rb", buffering=0), _checked(path, descriptor, content):
        if os.fstat(descriptor).st_size == 0:
            raise AudioError("is an empty file (0 bytes)", code="empty", stage="open")
        with _sound(descriptor) as file:
            yield file


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
def _sound(opened: int | Reader) -> Iterator[soundfile.SoundFile]:
    import soundfile

    try:
        file = soundfile.SoundFile(opened, closefd=False)
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        known = what_it_is(_head(opened)) if isinstance(opened, int) else ""
        reason = f", but {known}" if known else f" that can be decoded ({_reason(error)})"
        raise AudioError(f"is not a sound file{reason}", stage="open") from error
    # otherwise soundfile seeks after every read, which fails in streams of unknown length, and
    # restarts the MP3 decoder at every block, with slightly different samples
    file.seekable = lambda: False
    with file:
        if not MIN_SAMPLE_RATE <= file.samplerate <= MAX_SAMPLE_RATE:
            raise AudioError(
                f"has a sample rate of {file.samplerate} Hz, expected "
                f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}",
                code="bad_rate",
                stage="open",
            )
        yield file


def _head(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, N_HEAD)


def _read(file: soundfile.SoundFile, n_frames: int) -> Any:
    import soundfile

    try:
        return file.read(n_frames, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioError(f"breaks off while decoding ({_reason(error)})") from error


def _skip(file: soundfile.SoundFile, n_frames: int) -> None:
    """Move to a frame; in formats that cannot seek, read up to it."""
    import soundfile

    try:
        file.seek(min(n_frames, file.frames))
    except (soundfile.LibsndfileError, RuntimeError):
        while n_frames > 0:
            block = _read(file, min(n_frames, BLOCK_SAMPLES))
            if len(block) == 0:
                return
            n_frames -= len(block)


def mix_down(block: Any) -> Waveform:
    """Return the mean of channels, float32 (n_samples,), of samples (n_samples, n_channels).

    Raises
    ------
    AudioError
        A sample is no finite number, or beyond `MAX_SAMPLE`.
    """
    mono: Waveform = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise AudioError("holds samples that are not finite numbers", code="not_finite")
    if np.abs(mono).max(initial=0.0) > MAX_SAMPLE:
        raise AudioError(
            f"holds samples beyond {MAX_SAMPLE:g}; expected -1 to 1, or thereabouts",
            code="not_finite",
        )
    return np.ascontiguousarray(mono, dtype=np.float32)


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the address of the file object."""
    text = getattr(error, "error_string", "") or str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__
