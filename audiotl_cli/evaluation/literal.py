"""Text of users, made fit to be shown."""

from __future__ import annotations


def literal(text: str) -> str:
    r"""Return text as it is to be read: no broken bytes, no signs that cannot be seen.

    Bytes of names that are not UTF-8, and control signs (among them those that turn the
    direction of text around), become escapes such as ``\xff``.
    """
    whole = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in whole)
