"""How a file of weights comes over the network: streamed to disk, and looked at."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audiotl_cli.errors import WeightsError

OnBytes = Callable[[int, int], None]
"""Told the bytes that have come, and of how many; 0 where the server does not say."""

logger = logging.getLogger(__name__)

TIMEOUT_S = 30  # without a byte
NEWS_EVERY_S = 5.0

_HDF5 = (b"\x89HDF\r\n\x1a\n", b"\x1f\x8b")  # as it is, or compressed by gzip
_FIRST_BYTES = {".h5": _HDF5, ".h5.gz": _HDF5, ".npz": (b"PK",)}


def mirrored(url: str) -> str:
    """Return the URL with its host replaced by ``AUDIOTL_MIRROR``, where that is set."""
    mirror = os.environ.get("AUDIOTL_MIRROR", "").rstrip("/")
    return mirror + urlsplit(url).path if mirror else url


def download(url: str, target: Path, on_bytes: OnBytes | None = None) -> None:
    """Write what a URL gives to a file, which is left incomplete when this fails.

    Proxies are taken from ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``. Without
    `on_bytes` the log tells how far it is.

    Raises
    ------
    WeightsError
        No connection, a status that is not success, or the connection was cut.
    OSError
        The file cannot be written.
    """
    import pooch
    import requests

    responses: list[Any] = []  # pooch leaves them open where it fails
    hooks = {"response": lambda response, **_: responses.append(response)}
    news = _News(target.name, on_bytes)
    fetch = pooch.HTTPDownloader(progressbar=news, timeout=TIMEOUT_S, hooks=hooks)
    try:
        fetch(url, str(target), None)
    except requests.exceptions.RequestException as error:
        raise WeightsError(f"{url} could not be fetched ({_reason(error)})") from error
    finally:
        for response in responses:
            response.close()


def check_kind(path: Path, name: str) -> None:
    """Refuse a file that cannot be the weights called `name`, from its first bytes.

    Captive portals and mirrors answer with a web page and status 200; where the publisher
    documents no digest, nothing else would notice.

    Raises
    ------
    WeightsError
        It is empty, a web page, or not of the format its name says.
    """
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise WeightsError("the file is empty")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise WeightsError("a web page came instead of the file")
    for suffix, first_bytes in _FIRST_BYTES.items():
        if name.endswith(suffix) and not start.startswith(first_bytes):
            raise WeightsError(f"the file is not of the format of {name}")


def is_url(source: str | Path) -> bool:
    """Return whether a source is fetched rather than read."""
    return str(source).startswith(("http://", "https://"))


class _News:
    """What pooch takes for a progress bar; tells a callable, or the log every few seconds."""

    def __init__(self, name: str, on_bytes: OnBytes | None) -> None:
        self.on_bytes = on_bytes
        self.name = name.strip(".").removesuffix(".part")
        self.total = self.n_bytes = 0
        self.told = time.monotonic()

    def update(self, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        if self.on_bytes:
            # the last chunk is counted whole, however short it is
            self.on_bytes(min(self.n_bytes, self.total or self.n_bytes), self.total)
        elif time.monotonic() - self.told > NEWS_EVERY_S:
            self.told = time.monotonic()
            of_all = f" of {self.total / 1e6:.0f}" if self.total else ""
            logger.info("%s: %.0f%s MB", self.name, self.n_bytes / 1e6, of_all)

    def reset(self) -> None:
        self.n_bytes = 0

    def close(self) -> None:
        pass


def _reason(error: Exception) -> str:
    """Return the innermost reason, which is what a person can act on."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return str(cause) or type(cause).__name__
