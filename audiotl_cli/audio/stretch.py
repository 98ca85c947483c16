"""Copy a stretch of a recording into a file of its own, in constant memory."""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from audiotl_cli.audio.decode import channel_blocks, open_sound
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import AudioError

if TYPE_CHECKING:
    from audiotl_cli.audio.isolated import Decoders
    from audiotl_cli.audio.worker import Send

FORMATS = {"wav": "WAV", "flac": "FLAC"}
"""Formats of files by suffix, as libsndfile names them."""

SUBTYPE = "PCM_24"
"""Of the samples: no recording of 16 or 24 bits loses anything."""


def send_stretch(source: AudioSource, send: Send) -> None:
    """Send the samples of a stretch: a job of `isolated.Decoders`.

    Each block has the sample rate and the number of channels beside it.
    """
    with open_sound(source.path, source.content) as sound:
        for block in channel_blocks(sound, source):
            content = np.ascontiguousarray(block).data.cast("B")
            send(content, sound.sample_rate, sound.n_channels)


def write_stretch(decoders: Decoders, source: AudioSource, file: BinaryIO, form: str) -> float:
    """Decode a stretch and write it to a file, with all of its channels and at its rate.

    Parameters
    ----------
    decoders : Decoders
        Decodes in another process.
    source : AudioSource
    file : binary file
        Open for writing, and empty.
    form : {"wav", "flac"}

    Returns
    -------
    duration_s : float
        Seconds that were written; less than asked for where the recording ends before.

    Raises
    ------
    AudioError
        As `decode.read_blocks`, or the format cannot hold this sound.
    OSError
        The file cannot be written.
    """
    import soundfile

    n_written, rate, written = 0, 0, None
    with closing(decoders.read(source, send_stretch)) as blocks:
        try:
            for content, facts in blocks:
                if not facts:
                    continue
                rate, n_channels = facts
                block = np.frombuffer(content, np.float32).reshape(-1, n_channels)
                if written is None:
                    written = soundfile.SoundFile(
                        file, "w", rate, n_channels, SUBTYPE, format=FORMATS[form]
                    )
                if not np.isfinite(block).all():
                    raise AudioError("holds samples that are no numbers", code="not_finite")
                written.write(block)
                n_written += len(block)
        except (soundfile.LibsndfileError, ValueError, TypeError) as error:
            raise AudioError(
                f"cannot be written as {form} ({error})", code="failed", stage="write"
            ) from error
        finally:
            if written is not None:
                written.close()
    return n_written / rate if rate else math.nan
