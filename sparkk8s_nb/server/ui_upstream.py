"""One request to the Spark UI, answered as it comes: nothing is held in memory but one piece at a time."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tornado.gen import with_timeout
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError
from tornado.util import TimeoutError as NoAnswerInTime
from tornado.web import RequestHandler

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.server.jws import authorization
from sparkk8s_nb.server.ui_forward import request_headers, response_headers
from sparkk8s_nb.server.ui_target import UiTarget

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""Until the answer begins: the page of a stage with very many tasks takes its time."""
BODY_SECONDS = 3600.0
"""Until it ends: a large event log over a slow tunnel."""


async def forward(
    handler: RequestHandler,
    target: UiTarget,
    path: str,
    *,
    base: str,
    now: Callable[[], float] = time.time,
) -> None:
    """Answer a handler's request with the Spark UI's own answer.

    The handler must have decided before that this request may pass. A browser that goes away, or a driver
    that dies in the middle of an answer, cuts the other side off too.

    Parameters
    ----------
    handler : RequestHandler
        Of this package's own process or of Jupyter's server.
    target : UiTarget
    path : str
        Path and query on the UI's side, with ``/`` in front.
    base : str
        Under which the browser sees the UI (:func:`~sparkk8s_nb.server.ui_forward.check_base`).
    now : callable
        Seconds since the epoch.

    Raises
    ------
    DriverError
        If the UI did not begin to answer; nothing has been written to the browser then.
    """
    request = handler.request
    headers = HTTPHeaders()
    for name, value in request_headers(
        request.headers.get_all(),
        port=target.port,
        base=base,
        authorization=authorization(target.key, now=now()),
    ):
        headers.add(name, value)
    if request.method == "POST":
        headers["Content-Length"] = str(len(request.body))
    stream = await _connect(target.port)
    with contextlib.closing(stream):
        connection = HTTP1Connection(
            stream,
            is_client=True,
            params=HTTP1ConnectionParameters(
                no_keep_alive=True,
                max_body_size=1 << 62,  # it is streamed
                header_timeout=ANSWER_SECONDS,
                body_timeout=BODY_SECONDS,
            ),
        )
        answer = _Answer(handler, stream, port=target.port, base=base)
        # A broken connection shows in what is read: nothing.
        with contextlib.suppress(StreamClosedError):
            await connection.write_headers(
                RequestStartLine(request.method or "GET", path, "HTTP/1.1"),
                headers,
                request.body if request.method == "POST" else None,
            )
            connection.finish()
            await connection.read_response(answer)
    if not answer.begun:
        raise _no_answer()
    if not answer.complete:
        # Ending it in order would make a whole page of half a one.
        handler.detach().close()


async def _connect(port: int) -> IOStream:
    stream = IOStream(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    try:
        await with_timeout(
            timedelta(seconds=CONNECT_SECONDS),
            stream.connect(("127.0.0.1", port)),
            quiet_exceptions=StreamClosedError,
        )
    except (StreamClosedError, NoAnswerInTime) as error:
        stream.close()
        raise _no_answer() from error
    return stream


class _Answer(HTTPMessageDelegate):
    """Passes an answer on, and waits for the browser before it takes more from the UI."""

    def __init__(self, handler: RequestHandler, stream: IOStream, *, port: int, base: str) -> None:
        self._handler = handler
        self._stream = stream
        self._port = port
        self._base = base
        self.begun = False
        self.complete = False

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, ResponseStartLine)
        handler = self._handler
        self.begun = True
        handler.clear()
        handler.set_status(start_line.code, start_line.reason)
        for name in ("Server", "Content-Type", "Date"):
            handler.clear_header(name)
        pairs = response_headers(headers.get_all(), port=self._port, base=self._base)
        for name in {name for name, _ in pairs}:
            handler.clear_header(name)
        for name, value in pairs:
            handler.add_header(name, value)
        return self._pass_on()

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._handler.write(chunk)
        return self._pass_on()

    def finish(self) -> None:
        self.complete = True

    async def _pass_on(self) -> None:
        try:
            await self._handler.flush()
        except StreamClosedError:  # the browser went away: nobody needs the rest
            self._stream.close()


def _no_answer() -> DriverError:
    return DriverError(
        "The Spark UI does not answer: its session has stopped or its driver has ended.",
        fix="See %sparkk8s status.",
    )
