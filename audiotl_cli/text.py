"""Text from files and users, made fit to be shown."""

from __future__ import annotations


def printable(text: object) -> str:
    r"""Return text as it is to be read: no broken bytes, no characters that cannot be seen.

    Bytes of names that are not UTF-8, and control characters (among them those that turn the
    direction of text around), become escapes such as ``\xff``.
    """
    whole = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole)
