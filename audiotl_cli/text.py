"""Make text from files and users printable."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Return text with invalid bytes and invisible characters escaped.

    Bytes that are not UTF-8 and control characters, including those that change the direction of
    text, become escapes such as ``\xff``.
    """
    whole = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole)


def counted(n: int, noun: str) -> str:
    """Return a number and its noun: ``1 clip``, ``2 clips``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def without_middle(text: str, n_most: int) -> str:
    """Return text of at most so many characters; of longer text, both ends."""
    if len(text) <= n_most:
        return text
    n_end = (n_most - 1) // 3
    return f"{text[: n_most - 1 - n_end]}…{text[len(text) - n_end :]}"
