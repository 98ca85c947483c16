"""A sound file while it is decoded, whatever decodes it."""

from __future__ import annotations

from typing import Protocol

from audiotl_cli.audio.types import Samples
from audiotl_cli.errors import AudioError


class UnknownFormatError(AudioError):
    """A decoder does not know what the file is."""


class Sound(Protocol):
    """A sound file that is read from its beginning to its end.

    Attributes
    ----------
    sample_rate : int
        Hz.
    n_channels : int
    is_lossy : bool
        Whether its samples differ from those that were encoded.
    """

    sample_rate: int
    n_channels: int
    is_lossy: bool

    @property
    def n_frames(self) -> int | None:
        """How many samples each channel has by the header; None where it does not say."""

    def read(self, n_frames: int) -> Samples:
        """Return the next samples, up to `n_frames` for each channel; none at the end.

        Raises
        ------
        AudioError
            The file is damaged here, or goes on with another sample rate.
        """

    def skip(self, n_frames: int) -> None:
        """Leave out the next samples of each channel."""

    def lacks(self, n_read: int) -> bool:
        """Return whether a file with `n_read` samples a channel ends before its header says."""

    def close(self) -> None:
        """Close the decoder; the file stays open."""


def changed_form(sound: Sound, sample_rate: int, n_channels: int) -> AudioError:
    """Return the error of a sound that goes on in another form."""
    before, after = (
        f"{rate} Hz and {n} channel{'s' if n > 1 else ''}"
        for rate, n in ((sound.sample_rate, sound.n_channels), (sample_rate, n_channels))
    )
    return AudioError(f"changes from {before} to {after} on its way; convert it to one form")
