"""What every front end is: what a network takes instead of samples."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.types import Waveform

Features = npt.NDArray[np.float32]
MAX_N_FFT, MAX_MELS = 1 << 15, 1024
MAX_RATE = 1_000_000  # Hz


@dataclass(frozen=True)
class FrontEnd(abc.ABC):
    """A front end with its parameters, which are the fields of its class.

    Attributes
    ----------
    name : str
        The value of ``input`` in the settings of a network file.
    axes : tuple of str
        The axes of `compute`'s result: ``time``, and ``mel`` if there are bands.
    default_window_s : float
        Length of a window where the settings have none, seconds.
    min_samples : int
        The fewest samples that have a frame.

    Raises
    ------
    ValueError
        A parameter has an impossible value.
    """

    name: ClassVar[str]
    axes: ClassVar[tuple[str, ...]] = ("time", "mel")
    default_window_s: ClassVar[float] = 10.0

    sample_rate: int = 16_000

    def __post_init__(self) -> None:
        self.require("sample_rate", 1 <= self.sample_rate <= MAX_RATE, f"1 to {MAX_RATE}")
        self.check()

    def require(self, name: str, fits: bool, expected: str) -> None:
        """Raise ValueError for the value of a parameter that does not fit."""
        if not fits:
            raise ValueError(f"{name} is {getattr(self, name)!r}, expected {expected}")

    def check(self) -> None:  # noqa: B027  (most have nothing more to check)
        """Raise ValueError if parameters do not fit together."""

    @property
    def min_samples(self) -> int:
        return 1

    def window(self, window_s: float) -> int:
        """Return the samples of a window; more than its length where frames overlap its end."""
        return max(self.min_samples, round(window_s * self.sample_rate))

    def hop(self, hop_s: float) -> int:
        """Return the samples between windows."""
        return max(1, round(hop_s * self.sample_rate))

    @abc.abstractmethod
    def compute(self, waveform: Waveform) -> Features:
        """Return what a network takes for a window.

        Parameters
        ----------
        waveform : float32 (n_samples,)
            At least `min_samples`.

        Returns
        -------
        features : float32 (n_frames, n_mels), or (n_samples,) without frames
        """

    def parameters(self) -> dict[str, Any]:
        """Return what changes values, besides the sample rate."""
        own = (field.name for field in fields(self) if field.name != "sample_rate")
        return {name: getattr(self, name) for name in own}


def check_bands(front_end: Any) -> None:
    """Raise ValueError for mel bands that cannot be: of a front end with the usual parameters."""
    front_end.require("n_mels", 1 <= front_end.n_mels <= MAX_MELS, f"1 to {MAX_MELS}")
    nyquist = front_end.sample_rate / 2
    high = front_end.high_hz or nyquist
    front_end.require("low_hz", 0 <= front_end.low_hz < high, f"0 or more, below {high:g}")
    front_end.require("high_hz", 0 <= high <= nyquist, f"at most {nyquist:g}, or 0 for that")


def power_of_two(length: int) -> int:
    """Return the power of two at or above a length."""
    return 1 << math.ceil(math.log2(length))
