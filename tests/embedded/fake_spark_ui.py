"""A Spark UI that does what a test wants."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

LONG = 60.0


class FakeSparkUi(ThreadingHTTPServer):
    """Answers with what a test put under a path, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.routes: dict[str, Callable[[_Request], None]] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeSparkUi

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers.items()), body))
        # A browser may be gone, and a test cuts connections on purpose.
        with contextlib.suppress(ConnectionError):
            self.server.routes.get(self.path.partition("?")[0], _Request.plain)(self)

    do_HEAD = do_POST = do_GET  # noqa: N815 (http.server's names)

    def plain(self, status: int = 200, body: bytes = b"hello", **headers: str) -> None:
        """A whole answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Silence."""


@pytest.fixture
def spark_ui() -> Iterator[FakeSparkUi]:
    """A UI in a thread."""
    with FakeSparkUi() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(LONG)
