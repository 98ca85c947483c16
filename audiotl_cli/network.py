"""How a file comes over the network: streamed to disk, taken up again where it broke off."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audiotl_cli.errors import FetchError

OnBytes = Callable[[int, int], None]
"""Told the bytes that have come, and of how many; 0 where the server does not say."""

logger = logging.getLogger(__name__)

TIMEOUT_S = 30  # without a byte
NEWS_EVERY_S = 5.0
CHUNK = 1 << 16  # bytes; what is not whole when the connection breaks is lost
_NOTHING_LEFT = 416  # the status of a range that begins where the file ends


def is_offline() -> bool:
    """Return whether ``AUDIOTL_OFFLINE`` forbids using the network."""
    return os.environ.get("AUDIOTL_OFFLINE", "").lower() not in ("", "0", "false", "no")


def mirrored(url: str) -> str:
    """Return the URL with its host replaced by ``AUDIOTL_MIRROR``, where that is set."""
    mirror = os.environ.get("AUDIOTL_MIRROR", "").rstrip("/")
    return mirror + urlsplit(url).path if mirror else url


def download(
    url: str, target: Path, on_bytes: OnBytes | None = None, *, resume: bool = False
) -> None:
    """Write what a URL gives to a file, which is left incomplete when this fails.

    Proxies are taken from ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``. Without
    `on_bytes` the log tells how far it is.

    Parameters
    ----------
    url : str
    target : Path
    on_bytes : callable, optional
    resume : bool
        Ask only for what an incomplete file does not hold yet. Servers that cannot do so
        send everything, and the file begins anew.

    Raises
    ------
    FetchError
        No connection, a status that is not success, or the connection was cut.
    OSError
        The file cannot be written.
    """
    import pooch
    import requests

    with target.open("ab" if resume else "wb") as file:
        held = file.tell()
        news = _News(target.name, on_bytes)
        responses: list[Any] = []  # pooch leaves them open where it fails

        def look(response: Any, **_: object) -> None:
            responses.append(response)
            if response.status_code == requests.codes.partial:
                news.held = held
            elif response.status_code == requests.codes.ok:
                file.truncate(0)

        # compressed on the way, a part could not be joined to what is there
        headers = {"Range": f"bytes={held}-", "Accept-Encoding": "identity"} if held else {}
        fetch = pooch.HTTPDownloader(
            progressbar=news,
            chunk_size=CHUNK,
            timeout=TIMEOUT_S,
            hooks={"response": look},
            headers=headers,
        )
        try:
            fetch(url, file, None)
        except requests.exceptions.RequestException as error:
            if held and responses and responses[-1].status_code == _NOTHING_LEFT:
                return  # all of it is here; whether it is right is for the caller to see
            raise FetchError(f"{url} could not be fetched ({_reason(error)})") from error
        finally:
            for response in responses:
                response.close()


def is_url(source: str | Path) -> bool:
    """Return whether a source is fetched rather than read."""
    return str(source).startswith(("http://", "https://"))


class _News:
    """What pooch takes for a progress bar; tells a callable, or the log every few seconds."""

    def __init__(self, name: str, on_bytes: OnBytes | None) -> None:
        self.on_bytes = on_bytes
        self.name = name.strip(".").removesuffix(".part")
        self.total = self.n_bytes = 0
        self.held = 0  # bytes that were there before
        self.told = time.monotonic()

    def update(self, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        if self.on_bytes:
            # the last chunk is counted whole, however short it is
            came = min(self.n_bytes, self.total or self.n_bytes)
            self.on_bytes(self.held + came, self.total and self.held + self.total)
        elif time.monotonic() - self.told > NEWS_EVERY_S:
            self.told = time.monotonic()
            of_all = f" of {(self.held + self.total) / 1e6:.0f}" if self.total else ""
            logger.info("%s: %.0f%s MB", self.name, (self.held + self.n_bytes) / 1e6, of_all)

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
