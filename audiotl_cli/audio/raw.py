"""Samples without a header, from a pipe or a device, in blocks as they arrive."""

from __future__ import annotations

import select
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from audiotl_cli.audio.channels import mix_down, place_of
from audiotl_cli.audio.decode import BLOCK_SAMPLES, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.extractor_config import LOUDEST, MIX

ENCODINGS = {
    "u8": ("u1", 128.0),
    "s16le": ("<i2", 32768.0),
    "s16be": (">i2", 32768.0),
    "s24le": ("", 8388608.0),
    "s32le": ("<i4", 2147483648.0),
    "s32be": (">i4", 2147483648.0),
    "f32le": ("<f4", 1.0),
    "f32be": (">f4", 1.0),
    "f64le": ("<f8", 1.0),
}
"""Encodings of samples, named as in ffmpeg: NumPy's type, and the number that means 1.0."""

MAX_CHANNELS = 1024


@dataclass(frozen=True)
class RawFormat:
    """What a header would say.

    Parameters
    ----------
    rate : int
        Hz.
    encoding : str
        One of `ENCODINGS`.
    n_channels : int
        Interleaved.
    channel : {"mix", "left", "right"}
        How they become one; the loudest of a stream is not known before its end.

    Raises
    ------
    UsageError
        A value no sound has.
    """

    rate: int
    encoding: str = "s16le"
    n_channels: int = 1
    channel: str = MIX

    def __post_init__(self) -> None:
        if self.encoding not in ENCODINGS:
            raise UsageError(
                f"unknown format of samples {self.encoding!r}; choose from {', '.join(ENCODINGS)}"
            )
        if not MIN_SAMPLE_RATE <= self.rate <= MAX_SAMPLE_RATE:
            raise UsageError(
                f"a sample rate of {self.rate} Hz; expected {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}"
            )
        if not 1 <= self.n_channels <= MAX_CHANNELS:
            raise UsageError(f"{self.n_channels} channels; expected 1 to {MAX_CHANNELS}")
        if self.channel == LOUDEST and self.n_channels > 1:
            raise UsageError(
                "the loudest channel of a stream is not known before its end; give the recording "
                "as a file, or a model that uses another channel"
            )

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        kind, _ = ENCODINGS[self.encoding]
        return self.n_channels * (np.dtype(kind).itemsize if kind else 3)


def read_raw(file: BinaryIO, form: RawFormat) -> Iterator[Waveform]:
    """Read samples from an unbuffered stream until it ends.

    A block holds the samples that have arrived, so that a slow stream is not delayed. Bytes after
    the last whole sample are left out.

    Yields
    ------
    block : float32 (n_samples,)

    Raises
    ------
    AudioError
        No sample arrives, or one that is not a number or far outside -1 to 1.
    """
    left = b""
    n_samples = 0
    while data := _read_available(file, BLOCK_SAMPLES * 2):
        data = left + data
        whole = len(data) - len(data) % form.frame_bytes
        left = data[whole:]
        if whole:
            block = decode_raw(data[:whole], form)
            n_samples += len(block)
            yield block
    if not n_samples:
        raise AudioError("holds no audio samples", code="empty")


def decode_raw(data: bytes, form: RawFormat) -> Waveform:
    """Return the samples in whole frames of bytes, as one channel, float32 (n_samples,)."""
    kind, full = ENCODINGS[form.encoding]
    if kind:
        numbers: Any = np.frombuffer(data, kind)
    else:  # three bytes, of which four are made, the lowest of them 0
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        numbers = wide.view("<i4")[:, 0] >> 8
    with np.errstate(over="ignore", invalid="ignore"):
        samples = numbers.astype(np.float32 if numbers.itemsize < 4 else np.float64)
        if form.encoding == "u8":
            samples = samples - 128
        block = (samples / full).astype(np.float32)
    return mix_down(block.reshape(-1, form.n_channels), place_of(form.channel))


def _read_available(file: BinaryIO, n_most: int) -> bytes:
    """Wait for a stream and return its bytes; none if it has ended."""
    data = file.read(n_most) or b""
    while data and len(data) < n_most and _is_ready(file):
        more = file.read(n_most - len(data))
        if not more:
            break
        data += more
    return data


def _is_ready(file: BinaryIO) -> bool:
    try:
        return bool(select.select([file], [], [], 0)[0])
    except (OSError, ValueError):  # no pipe, or a system that waits for sockets alone
        return False
