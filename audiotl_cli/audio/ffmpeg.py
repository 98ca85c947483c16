"""Sound that libsndfile does not read, decoded by FFmpeg: AAC, AMR, WMA, videos and more."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from audiotl_cli.audio.sound import UnknownFormatError, changed_form
from audiotl_cli.audio.types import Samples
from audiotl_cli.errors import AudioError

if TYPE_CHECKING:
    import av

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,asf,aac,amr,caf,ogg,mp3,wav,avi,flv,mpegts,mpeg,ac3,"
    "eac3,ape,wv,tta"
)
"""Of all that FFmpeg reads: none of these opens another file or an address."""

_STATE_LENGTH = {"mov", "matroska", "asf", "flv", "caf", "ape", "wv", "tta"}
"""Formats whose headers state a length; in others, FFmpeg guesses it from the size of the file."""

_LOSSLESS = ("pcm_", "alac", "flac", "wavpack", "tta", "ape", "wmalossless", "mlp", "truehd")


class FfmpegSound:
    """A sound file that FFmpeg decodes; see `sound.Sound`.

    Parameters
    ----------
    file : file that can be read at any position

    Raises
    ------
    UnknownFormatError
        It is in none of `FORMATS`.
    AudioError
        It has no sound track, or none that can be decoded.
    """

    def __init__(self, file: BinaryIO) -> None:
        from av.codec.context import Flags2

        file.seek(0)
        self._container = _open(file)
        self._stream = _sound_track(self._container)
        codec = self._stream.codec_context
        codec.thread_count = 1
        if (codec.name, self._container.format.name) == ("alac", "caf"):  # cut already
            codec.flags2 |= Flags2.skip_manual
        self.is_lossy = not codec.name.startswith(_LOSSLESS)
        self._largest = 0
        self._is_cut = False
        # a container may state another rate than what comes out, with high-efficiency AAC
        self.sample_rate, self.n_channels = codec.sample_rate or 0, codec.channels or 1
        self._blocks = self._decode()
        self._rest = next(self._blocks, np.zeros((0, self.n_channels), np.float32))

    @property
    def n_frames(self) -> int | None:
        """The length that the header states, or None."""
        name = self._container.format.name.partition(",")[0]
        if name not in _STATE_LENGTH:
            return None
        if self._stream.duration:
            return int(self._stream.duration * self._stream.time_base * self.sample_rate + 0.5)
        if self._container.duration:
            return int(self._container.duration * self.sample_rate / 1_000_000 + 0.5)
        return None

    def close(self) -> None:
        """Close the decoder; the file stays open."""
        self._blocks.close()
        self._container.close()

    def read(self, n_frames: int) -> Samples:
        """Return the next samples, up to `n_frames` for each channel."""
        parts, n_missing = [self._rest], n_frames - len(self._rest)
        while n_missing > 0 and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            n_missing -= len(block)
        samples = np.concatenate(parts)
        self._rest = samples[n_frames:]
        return samples[:n_frames]

    def skip(self, n_frames: int) -> None:
        """Decode as if the next samples were read: seeking is exact in few formats."""
        while n_frames > 0 and len(block := self.read(min(n_frames, 1 << 16))):
            n_frames -= len(block)

    def lacks(self, n_read: int) -> bool:
        """Return whether a file with so many samples ends before its header says.

        Headers count what an encoder adds at both ends, so a few blocks may be missing.
        """
        return self._is_cut or n_read + 3 * self._largest < (self.n_frames or 0)

    def _decode(self) -> Generator[Samples]:
        """Yield samples, without what an encoder added at the end."""
        held, n_before = None, 0
        try:
            for block in self._frames():
                if held is not None:
                    n_before += len(held)
                    yield held
                held = block
        except AudioError:
            if held is not None:
                yield held
            raise
        if held is not None:
            is_exact = self._stream.time_base * self.sample_rate == 1
            n_last = (self.n_frames or 0) - n_before if is_exact else 0
            yield held[:n_last] if 0 < n_last < len(held) else held

    def _frames(self) -> Iterator[Samples]:
        import av

        error: av.FFmpegError | None = None
        try:
            for packet in self._container.demux(self._stream):
                if error is not None and packet.size:  # it was not the last packet, cut in two
                    raise error
                try:
                    for frame in packet.decode():
                        yield self._samples(frame)
                except av.FFmpegError as caught:
                    error = caught
        except (av.FFmpegError, IndexError) as caught:  # PyAV counts streams once
            raise AudioError(f"breaks off while decoding ({_reason(caught)})") from caught
        self._is_cut = error is not None

    def _samples(self, frame: av.AudioFrame) -> Samples:
        n_channels = len(frame.layout.channels)
        if not self._largest:
            self.sample_rate, self.n_channels = frame.sample_rate, n_channels
        elif (frame.sample_rate, n_channels) != (self.sample_rate, self.n_channels):
            raise changed_form(self, frame.sample_rate, n_channels)
        self._largest = max(self._largest, frame.samples)
        values: Any = frame.to_ndarray()
        values = values.T if frame.format.is_planar else values.reshape(-1, n_channels)
        if values.dtype.kind != "f":
            full = 1 << 8 * values.dtype.itemsize - 1
            zero = full if values.dtype.kind == "u" else 0
            values = (values.astype(np.float64) - zero) / full
        return np.ascontiguousarray(values, np.float32)


def _open(file: BinaryIO) -> av.container.InputContainer:
    import av

    allowed = {"format_whitelist": FORMATS, "codec_whitelist": _audio_codecs()}
    try:
        return av.open(file, container_options=allowed, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        if _lacks_index(file):
            raise AudioError(
                "ends before the index of its samples (moov): it was not closed, or its end is "
                "missing",
                code="cut_short",
                stage="open",
            ) from error
        raise UnknownFormatError(_reason(error), stage="open") from error


def _sound_track(container: av.container.InputContainer) -> av.AudioStream:
    from av.stream import Discard

    best: Any = container.streams.best("audio")
    if best is None:
        container.close()
        raise AudioError("holds no sound track", code="empty", stage="open")
    if best.codec_context is None:
        container.close()
        raise AudioError("is encrypted, or encoded by a codec that is not known here", stage="open")
    for stream in container.streams:
        if stream is not best:
            stream.discard = Discard.all  # pictures are not even read
    return best


@cache
def _audio_codecs() -> str:
    """Return the names of all decoders of sound: pictures are never decoded."""
    from av.codec.codec import Codec, codecs_available

    names = []
    for name in codecs_available:
        try:
            codec = Codec(name, "r")
        except ValueError:  # it only encodes
            continue
        if codec.type == "audio":
            names.append(codec.name)
    return ",".join(names)


def _lacks_index(file: BinaryIO) -> bool:
    """Return whether this is an MP4 (QuickTime, 3GP) without the box that lists its samples."""
    size = file.seek(0, os.SEEK_END)
    at, first = 0, b""
    kinds: set[bytes] = set()
    while at + 8 <= size and len(kinds) < 100:
        file.seek(at)
        header = file.read(16)
        first = first or header[4:8]
        n_bytes = int.from_bytes(header[:4])
        if n_bytes == 1:  # the length is too large for 32 bits
            n_bytes = int.from_bytes(header[8:])
        at += n_bytes if n_bytes >= 8 else size
        if at <= size:
            kinds.add(header[4:8])
    return first in {b"ftyp", b"wide", b"mdat", b"free", b"skip"} and not {b"moov", b"moof"} & kinds


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", "") or str(error)).rstrip(".")
