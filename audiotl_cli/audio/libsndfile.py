"""Sound that libsndfile decodes: WAV, FLAC, Ogg, MP3, AIFF and others."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any, BinaryIO

from audiotl_cli.audio.cut_short import missing_length
from audiotl_cli.audio.links import Slice, links
from audiotl_cli.audio.sound import UnknownFormatError, changed_form
from audiotl_cli.audio.types import Samples
from audiotl_cli.errors import AudioError

_LOSSY = ("VORBIS", "OPUS", "MPEG")
_SKIPPED_AT_ONCE = 1 << 16

VORBIS_END_S = 30
"""Where a Vorbis file is read instead of sought in: libsndfile finds a wrong place, by a part of a
block, within the last page, which may hold some seconds."""

MP3_STATE = 64 * 1152
"""Samples that are decoded before those that are wanted from an MP3, whose frames need what earlier
frames left: at most 511 bytes, which a dozen of small frames have."""


class SndSound:
    """A sound file that libsndfile decodes; see `sound.Sound`.

    Recordings that were joined into one file are read one after the other.

    Parameters
    ----------
    file : file that can be read at any position

    Raises
    ------
    UnknownFormatError
        libsndfile cannot decode it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._source, self._rest = file, self._parts_of(file)
        self._file = self._opened(self._rest.pop(0) if self._rest else file)
        self.sample_rate, self.n_channels = self._file.samplerate, self._file.channels
        self.is_lossy = self._file.subtype.startswith(_LOSSY)
        # libsndfile gives SF_COUNT_MAX for streams of unknown length
        known = 0 <= self._file.frames < 1 << 62 and not self._rest
        self.n_frames = self._file.frames if known else None

    @staticmethod
    def _parts_of(file: BinaryIO) -> list[Slice]:
        if not isinstance(file, io.FileIO):  # an object, of which only the header is read
            return []
        buffered = io.BufferedReader(file, 1 << 16)
        found, patch = links(buffered), missing_length(buffered)
        buffered.detach()
        if len(found) == 1 and patch is None:
            return []
        return [Slice(file, start, end, patch) for start, end in found]

    def _opened(self, part: Any) -> Any:
        import soundfile

        part.seek(0)
        try:
            file = soundfile.SoundFile(
                part.fileno() if isinstance(part, io.FileIO) else part, closefd=False
            )
        except (soundfile.LibsndfileError, TypeError, ValueError) as error:
            raise UnknownFormatError(_reason(error), stage="open") from error
        # otherwise soundfile seeks after every read, which fails in streams of unknown length,
        # and restarts the MP3 decoder at every block, with slightly different samples
        file.seekable = lambda: False
        return file

    def close(self) -> None:
        """Close the decoder; the file stays open."""
        self._file.close()

    def read(self, n_frames: int) -> Samples:
        """Return the next samples, up to `n_frames` for each channel."""
        while not len(block := self._read(n_frames)) and self._rest:
            self._file.close()
            try:
                self._file = self._opened(self._rest.pop(0))
            except UnknownFormatError as error:
                raise AudioError(f"breaks off while decoding ({error})") from error
            form = self._file.samplerate, self._file.channels
            if form != (self.sample_rate, self.n_channels):
                raise changed_form(self, *form)
        return block

    def _read(self, n_frames: int) -> Samples:
        import soundfile

        try:
            return self._file.read(n_frames, dtype="float32", always_2d=True)  # type: ignore[no-any-return]
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise AudioError(f"breaks off while decoding ({_reason(error)})") from error

    def skip(self, n_frames: int) -> None:
        """Move forward; in formats that cannot seek, read."""
        import soundfile

        if not self._rest:
            n_file = self._file.frames
            place = min(n_frames, n_file)
            if self._file.subtype.startswith("MPEG"):
                place -= MP3_STATE
            elif self._file.subtype == "VORBIS":
                place = min(place, n_file - VORBIS_END_S * self.sample_rate)
            with suppress(soundfile.LibsndfileError, RuntimeError):
                self._file.seek(max(0, place))
                n_frames -= max(0, place)
        while n_frames > 0 and len(block := self.read(min(n_frames, _SKIPPED_AT_ONCE))):
            n_frames -= len(block)

    def lacks(self, n_read: int) -> bool:
        """Return whether a file with so many samples ends before its header says."""
        # for compressed files, a decoder may only guess the number of samples
        return not self.is_lossy and n_read < (self.n_frames or 0)


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the address of the file object."""
    text = getattr(error, "error_string", "") or str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__
