"""How a watch reaches its client: chunked HTTP, or a WebSocket with a message for each event."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from sparkk8s_nb.embedded import status
from sparkk8s_nb.embedded.store import Change, Store
from sparkk8s_nb.embedded.watch import Watch, error_event
from sparkk8s_nb.embedded.web import BEARER_PROTOCOL, Handler

BOOKMARK_SECONDS = 30.0
#: how long a watch lasts whose client names no time
DEFAULT_SECONDS = 3600.0

Send = Callable[[list[bytes]], Awaitable[None]]


async def pump(
    watch: Watch, store: Store, send: Send, *, seconds: float, closed: asyncio.Event, stopping: asyncio.Event
) -> None:
    """Send events until the time is over, the client or the server goes, or the history has moved on."""
    wake = asyncio.Event()

    def changed(_: Change) -> None:
        wake.set()

    unsubscribe = store.subscribe(changed)
    waiters = [asyncio.ensure_future(each.wait()) for each in (closed, stopping)]
    end = time.monotonic() + seconds
    marked = time.monotonic()
    try:
        while not closed.is_set() and not stopping.is_set():
            wake.clear()
            try:
                events = watch.pending()
            except status.StatusError as error:
                await send([error_event(error)])
                return
            now = time.monotonic()
            over = now >= end
            if watch.bookmarks and (over or now - marked >= BOOKMARK_SECONDS):
                marked = now
                events.append(watch.bookmark())
            if events:
                await send(events)
            if over:
                return
            pause = min(end, marked + BOOKMARK_SECONDS if watch.bookmarks else end) - time.monotonic()
            changes = asyncio.ensure_future(wake.wait())
            await asyncio.wait(
                {changes, *waiters}, timeout=max(0.0, pause), return_when=asyncio.FIRST_COMPLETED
            )
            changes.cancel()
    finally:
        unsubscribe()
        for each in waiters:
            each.cancel()


async def over_http(
    handler: RequestHandler,
    watch: Watch,
    store: Store,
    *,
    seconds: float,
    closed: asyncio.Event,
    stopping: asyncio.Event,
) -> None:
    """Answer a request with a stream of events, one JSON document a line."""
    handler.set_header("Content-Type", "application/json")

    async def send(events: list[bytes]) -> None:
        handler.write(b"\n".join(events) + b"\n")
        await handler.flush()

    with contextlib.suppress(StreamClosedError):
        await handler.flush()
        await pump(watch, store, send, seconds=seconds, closed=closed, stopping=stopping)
        await handler.finish()


class WatchSocket(WebSocketHandler, Handler):
    """A watch as a WebSocket: text frames, one event each.

    ``plan`` (given by the route) reads the request and makes the watch; its refusals are answered
    before the upgrade, as plain HTTP.
    """

    def initialize(  # type: ignore[override]
        self, *, site: object, plan: Callable[[Handler], tuple[Watch, float]], stopping: asyncio.Event
    ) -> None:
        """Called by tornado for every request."""
        Handler.initialize(self, site)  # type: ignore[arg-type]
        self._plan = plan
        self._stopping = stopping
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def get(self, *args: str, **kwargs: str) -> None:
        """Upgrade, unless the request is refused."""
        self._watch, self._seconds = self._plan(self)
        await super().get(*args, **kwargs)

    def check_origin(self, origin: str) -> bool:
        """Any origin: what lets a client in is the token, which a foreign page does not have."""
        return bool(origin) or True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """The first one asked for that is not a token."""
        return next((each for each in subprotocols if not each.startswith(BEARER_PROTOCOL)), None)

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Begin to send."""
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        async def send(events: list[bytes]) -> None:
            for event in events:
                await self.write_message(event)

        with contextlib.suppress(WebSocketClosedError, StreamClosedError):
            await pump(
                self._watch,
                self.site.store,
                send,
                seconds=self._seconds,
                closed=self._gone,
                stopping=self._stopping,
            )
            self.close(1000, "")

    def on_message(self, message: str | bytes) -> None:
        """Clients of a watch have nothing to say."""

    def on_close(self) -> None:
        """The client went."""
        self._gone.set()
