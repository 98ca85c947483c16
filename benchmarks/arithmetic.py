"""Compute shares, bounds and rates from measured times."""

from __future__ import annotations

from collections.abc import Mapping

PARTS = ("decode", "resample", "front_end", "network")
"""The parts of an extraction, in the order a recording passes through them."""


def shares(core_s: Mapping[str, float]) -> dict[str, float]:
    """Return the share of each part of the core time; the shares add up to 1."""
    total = sum(core_s[part] for part in PARTS)
    return {part: core_s[part] / total for part in PARTS}


def bound_s(core_s: Mapping[str, float], n_cores: int) -> float:
    """Return the shortest possible time of an extraction: the sum of its parts over the cores.

    Parameters
    ----------
    core_s : mapping
        Seconds of one core each of `PARTS` takes by itself.
    n_cores : int
    """
    return sum(core_s[part] for part in PARTS) / n_cores


def efficiency(gflop: float, wall_s: float, matrix_gflops: float) -> float:
    """Return the arithmetic rate relative to a matrix product on the same cores.

    Parameters
    ----------
    gflop : float
        Of the network, its convolutions counted as written down (a multiplication and an
        addition each); a network that convolves more cleverly can exceed 1.
    wall_s : float
    matrix_gflops : float
        Rate of a float32 matrix product, GFLOP/s.
    """
    return gflop / wall_s / matrix_gflops


def marginal_rate(short: tuple[float, float], long: tuple[float, float]) -> float:
    """Return seconds of audio per second between two runs, which cancels their start-up time.

    Parameters
    ----------
    short, long : (audio_s, wall_s)
    """
    return (long[0] - short[0]) / (long[1] - short[1])
