"""Marks without a length, as annotations and tables have them."""

from __future__ import annotations

LENGTHLESS = "begins where it ends (--point-width-s makes clips of such marks)"


def widen(point_s: float, width_s: float) -> tuple[float, float]:
    """Return start and end of a clip of a width around a point, from 0 s on."""
    start = max(0.0, round(point_s - width_s / 2, 6))
    return start, round(start + width_s, 6)
