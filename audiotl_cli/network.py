"""Download a file to disk, and resume interrupted downloads.

Servers are not trusted: too much or too little data, unrequested compression, and redirects to
insecure URLs end the download with an error.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from audiotl_cli.errors import FetchError

OnBytes = Callable[[int, int], None]
"""Called with the number of bytes received and the total, which is 0 if unknown."""

logger = logging.getLogger(__name__)

TIMEOUT_S = 30  # without a byte
MIN_BYTES_PER_S = 1000.0
"""The download fails if the average rate over `SLOW_S` is below this."""
SLOW_S = 60.0
REACH_S = 5.0
"""How long a server that is only tried may take to answer."""
MAX_REDIRECTS = 10
SIZE_MARGIN = 2
"""A file may be this many times larger than its approximate size."""
MAX_UNKNOWN_BYTES = 4 << 30  # for files of unknown size
LOG_EVERY_S = 5.0
CHUNK = 1 << 16  # bytes; an incomplete chunk is lost when the connection breaks
_OK, _PARTIAL, _NOTHING_LEFT = 200, 206, 416  # statuses; 416: the range begins where the file ends


def is_offline() -> bool:
    """Return whether ``AUDIOTL_OFFLINE`` forbids using the network."""
    return os.environ.get("AUDIOTL_OFFLINE", "").lower() not in ("", "0", "false", "no")


def mirrored(url: str) -> str:
    """Return the URL with its host replaced by ``AUDIOTL_MIRROR``, if set."""
    mirror = os.environ.get("AUDIOTL_MIRROR", "").rstrip("/")
    return mirror + urlsplit(url).path if mirror else url


def is_url(source: str | Path) -> bool:
    """Return whether a source is a web URL rather than a local file."""
    return str(source).lower().startswith(("http://", "https://"))


def without_secrets(text: object) -> str:
    """Return text without the secrets that URLs in it may contain.

    These are user names, passwords and query strings, which may hold tokens.
    """
    without_user = re.sub(r"(?<=://)[^/\s]*@", "", str(text))
    return re.sub(r"(://[^\s?#]*)[?#][^\s)'\"]+", r"\1", without_user)


def size_limit(size: int | None, *, exact: bool = False) -> int:
    """Return the largest accepted size of a file in bytes, from its published size.

    Parameters
    ----------
    size : int or None
        None and 0 stand for a size that is not known.
    exact : bool
        Whether the size is known to the byte.
    """
    if not size:
        return MAX_UNKNOWN_BYTES
    return size if exact else SIZE_MARGIN * size + (1 << 20)


def download(
    url: str,
    target: Path,
    on_bytes: OnBytes | None = None,
    *,
    max_bytes: int = MAX_UNKNOWN_BYTES,
    resume: bool = False,
) -> None:
    """Download a URL to a file, which is left incomplete if this fails.

    Proxies are taken from ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``. Without
    `on_bytes`, progress is logged.

    Parameters
    ----------
    url : str
    target : Path
    on_bytes : callable, optional
    max_bytes : int
        Limit of the whole file; see `size_limit`. A larger file is emptied.
    resume : bool
        Ask only for what an incomplete file does not hold yet. Servers that cannot do so
        send everything, and the file begins anew.

    Raises
    ------
    FetchError
        No connection, a status that is not success, or the connection was cut; the server sends
        too much or too slowly, compresses what it sends, or redirects where it must not.
    OSError
        The file cannot be written.
    """
    with target.open("ab" if resume else "wb") as file:
        n_held = file.tell()
        if n_held > max_bytes:
            n_held = _empty(file)
        headers = {"Accept-Encoding": "identity"}
        if n_held:
            headers["Range"] = f"bytes={n_held}-"
        with closing(_Reader(url, headers)) as parts:
            response = next(parts)
            if response.status_code == _NOTHING_LEFT and n_held:
                return  # the file is complete; the caller checks its digest
            n_held = _check_answer(url, response, file, n_held)
            length = response.headers.get("Content-Length", "")
            total = n_held + int(length) if length.isdecimal() else 0
            report = on_bytes or _log_progress(target.name)
            _check_size(url, file, total, max_bytes)
            for chunk in parts:
                n_held += len(chunk)
                _check_size(url, file, n_held, max_bytes)
                file.write(chunk)
                report(n_held, total)


def check_reachable(url: str, within_s: float = REACH_S) -> None:
    """Raise `FetchError` unless a server offers a file, and does so soon; nothing is kept."""
    headers = {"Accept-Encoding": "identity", "Range": "bytes=0-0"}
    with closing(_Reader(url, headers)) as parts:
        response = parts.first(within_s)
        if response.status_code not in (_OK, _PARTIAL):
            raise FetchError(f"{_shown(url)} could not be fetched ({response.status_code})")


def _check_answer(url: str, response: Any, file: IO[bytes], n_held: int) -> int:
    """Refuse a response that is not the file; return the offset at which it starts."""
    status, encoding = response.status_code, response.headers.get("Content-Encoding", "")
    if status not in (_OK, _PARTIAL):
        reason = without_secrets(response.reason or "")[:80]
        raise FetchError(f"{_shown(url)} could not be fetched ({status} {reason})")
    if encoding.lower() not in ("", "identity") and not urlsplit(url).path.endswith("gz"):
        raise FetchError(
            f"{_shown(url)} could not be fetched (the server sends it compressed as "
            f"{encoding[:20]!r}, although uncompressed data was requested)"
        )
    if status == _OK:
        return _empty(file)
    if not response.headers.get("Content-Range", "").startswith(f"bytes {n_held}-"):
        _empty(file)
        raise FetchError(
            f"{_shown(url)} could not be fetched (the server sent another part of "
            "the file than requested)"
        )
    return n_held


def _check_size(url: str, file: IO[bytes], n_bytes: int, max_bytes: int) -> None:
    """Refuse and empty a file that exceeds its size limit."""
    if n_bytes > max_bytes:
        _empty(file)
        raise FetchError(
            f"{_shown(url)} sends more than the expected maximum of {max_bytes / 1e6:.1f} MB, "
            "so it is not the expected file"
        )


class _Reader(Iterator[Any]):
    """Gives the response of a URL, then its body in chunks, unless they come too slowly.

    A thread waits for the server: a byte now and then keeps every time limit of a connection
    from running out, within a line of its headers for days.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._headers = headers
        self._parts: queue.Queue[Any] = queue.Queue(maxsize=8)
        self._stopped = threading.Event()
        self._since, self._n_bytes = time.monotonic(), 0
        threading.Thread(target=self._read, name="download", daemon=True).start()

    def __next__(self) -> Any:
        while True:
            left_s = self._since + SLOW_S - time.monotonic()
            if left_s <= 0:
                self._check_speed()
                continue
            try:
                part = self._parts.get(timeout=left_s)
            except queue.Empty:
                continue
            if isinstance(part, FetchError):
                raise part
            if part is None:
                raise StopIteration
            self._n_bytes += len(part) if isinstance(part, bytes) else 0
            return part

    def first(self, within_s: float) -> Any:
        """Return the response, which must come within some seconds."""
        try:
            part = self._parts.get(timeout=within_s)
        except queue.Empty:
            raise FetchError(
                f"{_shown(self.url)} could not be fetched (no answer within {within_s:g} s)"
            ) from None
        if isinstance(part, FetchError):
            raise part
        return part

    def close(self) -> None:
        """Let the thread end; it does when the server sends anything, or after `TIMEOUT_S`."""
        self._stopped.set()

    def _check_speed(self) -> None:
        if self._n_bytes < MIN_BYTES_PER_S * SLOW_S:
            raise FetchError(
                f"{_shown(self.url)} could not be fetched (the server is too slow: it sent "
                f"{self._n_bytes} bytes in {SLOW_S:.0f} s)"
            )
        self._since, self._n_bytes = time.monotonic(), 0

    def _read(self) -> None:
        try:
            for part in self._receive():
                if not self._put(part):
                    return
            self._put(None)
        except FetchError as error:
            self._put(error)
        except Exception as error:  # names that do not resolve, certificates, ports beyond 65535
            message = f"{_shown(self.url)} could not be fetched ({_reason(error)})"
            self._put(FetchError(message))

    def _put(self, part: Any) -> bool:
        while not self._stopped.is_set():
            try:
                self._parts.put(part, timeout=1)
            except queue.Full:
                continue
            return True
        return False

    def _receive(self) -> Iterator[Any]:
        import requests

        with requests.Session() as session, closing(self._answer(session)) as response:
            yield response
            if response.status_code in (_OK, _PARTIAL):
                # one that returns what is there, however little; and compressed, if it is
                while chunk := response.raw.read1(CHUNK, decode_content=False):
                    yield chunk

    def _answer(self, session: Any) -> Any:
        """Follow redirects; not by the library, which reads the body of each to its end."""
        import requests

        url = self.url
        for _ in range(MAX_REDIRECTS + 1):
            request = session.prepare_request(requests.Request("GET", url, headers=self._headers))
            settings = session.merge_environment_settings(request.url, {}, True, None, None)
            adapter = session.get_adapter(request.url)
            response = adapter.send(request, timeout=TIMEOUT_S, **settings)
            if not response.is_redirect:
                return response
            response.close()
            url = self._redirected(url, urljoin(url, response.headers["Location"]))
        raise FetchError(
            f"{_shown(self.url)} could not be fetched (more than {MAX_REDIRECTS} redirects)"
        )

    def _redirected(self, url: str, to: str) -> str:
        if not is_url(to) or (url.lower().startswith("https:") and to.lower().startswith("http:")):
            raise FetchError(
                f"{_shown(self.url)} could not be fetched (it redirects to "
                f"{_shown(to)[:200]}, which is not an https URL)"
            )
        return to


def _empty(file: IO[bytes]) -> int:
    """Empty a file; return how many bytes it has now."""
    file.seek(0)
    file.truncate()
    return 0


def _log_progress(name: str) -> OnBytes:
    """Return a callback that logs the progress of a download every few seconds."""
    shown_name = name.strip(".").removesuffix(".part")
    last = time.monotonic()

    def report(n_bytes: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > LOG_EVERY_S:
            last = time.monotonic()
            of_all = f" of {total / 1e6:.0f}" if total else ""
            logger.info("%s: %.0f%s MB", shown_name, n_bytes / 1e6, of_all)

    return report


def _shown(url: str) -> str:
    return without_secrets(url)


def _reason(error: Exception) -> str:
    """Return the innermost reason, which helps the user most."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return without_secrets(str(cause) or type(cause).__name__)
