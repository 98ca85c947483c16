"""Check that a network reproduces the output that its publisher documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Check:
    """The comparison of a published value with the value found here.

    Parameters
    ----------
    what : str
        The input and the quantity.
    expected, found : str
    passed : bool or None
        None if there was nothing to compare.
    missing : bool
        Whether a file of weights is missing for the check.
    """

    what: str
    expected: str
    found: str
    passed: bool | None
    missing: bool = False


def rising_tones(sample_rate: int) -> npt.NDArray[np.float64]:
    """Return 3 s of two rising tones, one of them beating, for tests that need no file."""
    t = np.arange(3 * sample_rate) / sample_rate
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * t)
    low = 0.4 * beat * np.sin(2 * np.pi * (220 + 110 * t) * t)
    sound: npt.NDArray[np.float64] = low + 0.1 * np.sin(2 * np.pi * (2000 + 400 * t) * t)
    return sound


def compare(
    what: str,
    expected: npt.NDArray[np.floating[Any]],
    found: npt.NDArray[np.floating[Any]],
    tolerance: float,
) -> Check:
    """Check that two short vectors differ by at most `tolerance` times the largest value."""
    passed = bool(np.abs(found - expected).max() <= tolerance * np.abs(expected).max())
    return Check(what, _written(expected), _written(found), passed)


def _written(values: npt.NDArray[np.floating[Any]]) -> str:
    return " ".join(f"{value:.4f}" for value in values)
