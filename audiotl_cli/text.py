"""Make text from files and users printable."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Return text with invalid bytes and invisible characters escaped.

    Bytes that are not UTF-8 and control characters, including those that change the direction of
    text, become escapes such as ``\xff``.
    """
    whole = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole)
