"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Parameters
    ----------
    about : str
    state : str
        ``good``; ``absent`` for what is optional and not there; ``bad`` for what should work and
        does not.
    found : str
    advice : str
        What to do; empty where there is nothing to do.
    """

    about: str
    state: str
    found: str
    advice: str = ""


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or what kind of error it is."""
    return (str(error).splitlines() or [type(error).__name__])[0]
