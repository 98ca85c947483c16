"""The kinds of storage that a URL may name.

A URL in an index may come from anybody, and fsspec does more than fetch from it: ``dask://HOST``
runs code that a host sends, ``::`` chains one kind of storage to another, and ``file://`` reads
this machine. So only URLs whose scheme is in `SCHEMES` reach fsspec.
"""

from __future__ import annotations

import errno

from audiotl_cli.errors import DataError

SCHEMES = {"s3": True, "gs": True, "az": True, "abfs": True, "http": False, "https": False}
"""The schemes of URLs that are read, and whether files may be written there: only where readers
see a whole object or none. Tests add their own."""


class RefusedUrlError(DataError, OSError):
    """A URL that is not read; a recording with such a URL cannot be opened."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(errno.EINVAL, reason, url)

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def why_refused(url: str) -> str:
    """Return why a URL is not read; empty if it may be."""
    scheme, _, place = url.partition("://")
    if "::" in url:
        return f"chained URLs (::) are not supported; expected one of {_listed()}"
    if scheme not in SCHEMES:
        return f"{scheme}:// is not supported; expected a local path or {_listed()}"
    if not place.strip("/"):
        return f"names no folder; expected {scheme}://BUCKET/FOLDER, for example"
    if "\0" in url:
        return "holds a NUL byte; expected a URL"
    return ""


def _listed() -> str:
    *first, last = (f"{scheme}://" for scheme in SCHEMES)
    return f"{', '.join(first)} or {last}"
