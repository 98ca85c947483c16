"""The types of audio inside the program."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audiotl_cli.extractor_config import MIX
from audiotl_cli.storage.contents import Content
from audiotl_cli.storage.paths import AnyPath

Waveform = npt.NDArray[np.float32]
"""Mono samples, float32 in [-1, 1], shape (n_samples,)."""

Samples = npt.NDArray[np.float32]
"""Samples of all channels, float32, shape (n_samples, n_channels)."""


@dataclass(frozen=True)
class AudioSource:
    """A sound file, or a stretch of one, to be decoded.

    Parameters
    ----------
    path : Path or RemotePath
    start_s, end_s : float or None
        Seconds from the start of the file; None means its beginning or end.
    content : Content or None
        The content of the file when it was hashed; decoding another content is an error. None
        skips the check.
    channel : {"mix", "left", "right", "loudest"}
        How channels become one.
    """

    path: AnyPath
    start_s: float | None = None
    end_s: float | None = None
    content: Content | None = field(default=None, compare=False, repr=False)
    channel: str = MIX


@dataclass(frozen=True)
class AudioInfo:
    """The claims of a sound file's header.

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_channels : int
    duration_s : float
        Seconds; ``nan`` if the header does not state it (some streams).
    truncated : bool
        Whether the file ends before the samples its header promises.
    """

    sample_rate: int
    n_channels: int
    duration_s: float
    truncated: bool = False
