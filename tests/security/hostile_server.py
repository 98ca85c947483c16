"""A web server that does what no honest one does."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import threading
from collections.abc import Callable, Iterator

WAIT_S = 0.05  # between the bytes of a slow answer


class HostileServer(http.server.ThreadingHTTPServer):
    """Gives under every path what a function writes for it.

    Attributes
    ----------
    asked : list of (str, dict)
        Paths and headers of the requests.
    n_sent : int
        Bytes of bodies that went out.
    """

    daemon_threads = True

    def __init__(self, answers: dict[str, Callable[[HostileHandler], None]]) -> None:
        super().__init__(("127.0.0.1", 0), HostileHandler)
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.n_sent = 0
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that hang up


class HostileHandler(http.server.BaseHTTPRequestHandler):
    """Hands a request over to the function of its path."""

    server: HostileServer

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.server.answers[self.path.split("?")[0]](self)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def start(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.n_sent += len(data)


def whole(data: bytes, headers: dict[str, str] | None = None) -> Callable[[HostileHandler], None]:
    def answer(request: HostileHandler) -> None:
        request.start(headers={"Content-Length": str(len(data)), **(headers or {})})
        request.send(data)

    return answer


def endless(request: HostileHandler) -> None:
    """Send zeros until the client hangs up."""
    request.start()
    while not request.server.ended.is_set():
        request.send(bytes(1 << 16))


def slow(before: bytes = b"") -> Callable[[HostileHandler], None]:
    """Send a byte now and then after a quick beginning."""

    def answer(request: HostileHandler) -> None:
        request.start(headers={"Content-Length": "400000"})
        request.send(before)
        while not request.server.ended.wait(WAIT_S):
            request.send(b"x")

    return answer


def slow_headers(request: HostileHandler) -> None:
    """Send a line of headers that has no end, a byte now and then."""
    request.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not request.server.ended.wait(WAIT_S):
        request.send(b"x")


def endless_trailer(request: HostileHandler) -> None:
    """Send a chunked body that ends in trailers without end."""
    request.protocol_version = "HTTP/1.1"
    request.start(headers={"Transfer-Encoding": "chunked"})
    request.send(b"5\r\nhello\r\n0\r\n")
    while not request.server.ended.wait(WAIT_S):
        request.send(b"X-More: x\r\n")


def packed(data: bytes) -> Callable[[HostileHandler], None]:
    """Send data compressed, although it was asked for as it is."""
    return whole(gzip.compress(data), {"Content-Encoding": "gzip"})


def redirect(to: str, body: Callable[[HostileHandler], None] | None = None) -> Callable[..., None]:
    def answer(request: HostileHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()
        while body is not None and not request.server.ended.is_set():
            request.send(bytes(1 << 16))

    return answer


@contextlib.contextmanager
def serve(answers: dict[str, Callable[[HostileHandler], None]]) -> Iterator[HostileServer]:
    """Serve on a free port until left."""
    with HostileServer(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
