"""The Spark UI on 127.0.0.1 for one browser user, where Jupyter's server does not show it.

``python -m sparkk8s_nb.server.ui_proxy``: takes its plan from stdin, prints ``{"port": N}`` on stdout and
goes on in a process of its own, which ends when the session's record is gone, the kernel is gone, or nobody
came for eight hours.

A visitor enters with a one-time ticket in the URL and is known by a cookie from then on; all others get 403.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.localfiles import remove_quietly
from sparkk8s_nb.processes import ProcessId, identify, is_alive, say_and_detach
from sparkk8s_nb.server.ui_address import (
    ADDRESS_FILE,
    TICKET_PATH,
    UiProxyAddress,
    UiProxyPlan,
    read_address,
)
from sparkk8s_nb.server.ui_entrance import Entrance
from sparkk8s_nb.server.ui_forward import (
    FORM_BYTES,
    METHODS,
    check_base,
    from_own_page,
    names_this_machine,
    path_under,
    safe_page,
)
from sparkk8s_nb.server.ui_target import note_use, read_record, target_of
from sparkk8s_nb.server.ui_upstream import forward

logger = logging.getLogger("ui-proxy")

COOKIE = "sparkk8s-ui"
IDLE_SECONDS = 8 * 3600.0
LOOK_SECONDS = 2.0
"""Between two looks at record and kernel."""
START_SECONDS = 30

_REFUSED = "This page needs a fresh link: run %sparkk8s ui in the notebook."


@dataclass(slots=True, kw_only=True)
class Site:
    """What the handlers work on.

    Parameters
    ----------
    record : Path
    secret : str
        Whoever knows it may ask for tickets.
    now : callable
        Seconds on a clock that is never set.
    base : str
        Path under which the UI is shown. Unguessable, and the cookie's path: browsers send a cookie to every
        port of a host, and others' servers listen there too.
    """

    record: Path
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    now: Callable[[], float] = time.monotonic
    base: str = field(default_factory=lambda: check_base(f"/sparkui-{secrets.token_hex(8)}"))
    entrance: Entrance = field(init=False)
    last_used: float = field(init=False)

    def __post_init__(self) -> None:
        self.entrance = Entrance(now=self.now)
        self.last_used = self.now()

    def touch(self) -> None:
        """Somebody came."""
        self.last_used = self.now()


class Handler(RequestHandler):
    """The base of all: refuses, says why in one sentence, and never logs a URL (it may hold a ticket)."""

    SUPPORTED_METHODS = METHODS
    site: Site

    def initialize(self, site: Site) -> None:
        """Called by tornado for every request."""
        self.site = site

    def prepare(self) -> None:
        """Refuse names that were made to resolve to this machine, before anything else."""
        if not names_this_machine(self.request.host) or not self.may_pass():
            self.refuse()

    def may_pass(self) -> bool:
        """Whether this request may reach its handler's method."""
        return True

    def page(self, status: int, sentence: str, *, head: str = "") -> None:
        """A page of our own: one sentence, nothing to load."""
        self.set_status(status)
        self.clear_header("Server")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Spark UI</title>{head}</head>'
            f"<body><p>{sentence}</p></body></html>\n"
        )

    def refuse(self) -> None:
        """The same answer for everything that may not be."""
        self.page(403, _REFUSED)

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """For a request that cannot be read, a method we do not know, a fault of ours."""
        self.page(status_code, "The request failed.")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Our faults, not the browser's; without the request, which tornado would repeat whole."""
        if not isinstance(value, HTTPError):
            logger.error("a request failed", exc_info=(typ, value, tb))

    def compute_etag(self) -> None:
        """None: hashing every answer would be for nothing."""


class Refused(Handler):
    """Everything that has no route."""

    def get(self) -> None:
        """403."""
        self.refuse()

    head = post = get


class Entry(Handler):
    """``/?token=TICKET``, perhaps with ``&page=PAGE``: where a link leads."""

    def get(self) -> None:
        """Let the visitor in, once.

        The page goes on by itself instead of redirecting: after a click in a page of another site (Jupyter
        on another name) a browser withholds a ``SameSite=Strict`` cookie from the redirect too.
        """
        cookie = self.site.entrance.admit(self.get_query_argument("token", ""))
        if cookie is None:
            self.refuse()
            return
        self.site.touch()
        base = self.site.base
        first = f"{base}/{safe_page(self.get_query_argument('page', ''))}"
        self.set_cookie(COOKIE, cookie, path=base, httponly=True, samesite="Strict")
        self.page(
            200,
            f'<a href="{first}">Open the Spark UI.</a>',
            head=f'<meta http-equiv="refresh" content="0; url={first}">',
        )

    def head(self) -> None:
        """Whoever only looks (a link preview) does not use the ticket up."""
        self.refuse()

    post = head


class Tickets(Handler):
    """Where the kernel gets a fresh ticket."""

    def post(self) -> None:
        """A ticket for whoever knows the secret; a browser (it says its Origin) never does."""
        scheme, _, given = self.request.headers.get("Authorization", "").partition(" ")
        known = hmac.compare_digest(given.encode(), self.site.secret.encode())
        if scheme != "Bearer" or not known or "Origin" in self.request.headers:
            self.refuse()
            return
        self.site.touch()
        self.set_header("Cache-Control", "no-store")
        self.finish({"ticket": self.site.entrance.ticket()})

    def get(self) -> None:
        """403."""
        self.refuse()

    head = get


class SparkUi(Handler):
    """The Spark UI itself, for those who are in."""

    def may_pass(self) -> bool:
        """Only visitors, and only from our own pages or the address bar."""
        known = self.site.entrance.knows(self.get_cookie(COOKIE))
        return known and from_own_page(self.request.headers, self.request.host)

    async def get(self, _rest: str) -> None:
        """Pass the request on, to the UI that the record names now."""
        self.site.touch()
        path = path_under(self.request.uri or "", self.site.base)
        if path is None:
            self.refuse()
            return
        try:
            target = target_of(read_record(self.site.record))
            note_use(self.site.record)
            await forward(self, target, path, base=self.site.base)
        except SparkK8sError as error:
            self.page(502, error.problem)

    head = post = get


def make_app(site: Site) -> Application:
    """The proxy of one session."""
    return Application(
        [
            ("/", Entry, {"site": site}),
            (TICKET_PATH, Tickets, {"site": site}),
            (f"{site.base}(/.*)?", SparkUi, {"site": site}),
        ],
        default_handler_class=Refused,
        default_handler_args={"site": site},
        log_function=lambda _handler: None,  # an access log would hold tickets
    )


def why_end(site: Site, plan: UiProxyPlan, own: ProcessId, *, alive: Callable[[ProcessId], bool]) -> str:
    """Why the proxy has nothing to do any more; empty while it has."""
    if not site.record.exists():
        return "the session has stopped"
    address = read_address(site.record.parent)
    if address is None or address.process != own:
        return "the session's directory is another's"
    if not alive(plan.kernel):
        return "the kernel is gone"
    if site.now() - site.last_used > IDLE_SECONDS:
        return "nobody came for a long time"
    return ""


async def serve(plan: UiProxyPlan, *, ready: Callable[[int], None]) -> str:
    """Serve until :func:`why_end` knows a reason or TERM comes; returns the reason."""
    site = Site(record=plan.record)
    own = identify()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = HTTPServer(
        make_app(site), max_body_size=FORM_BYTES, max_buffer_size=2 * FORM_BYTES, idle_connection_timeout=300
    )
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    port: int = sockets[0].getsockname()[1]
    UiProxyAddress(process=own, port=port, secret=site.secret).write(plan.record.parent)
    ready(port)
    reason = ""
    try:
        while not (reason := why_end(site, plan, own, alive=is_alive)):
            try:
                await asyncio.wait_for(ended.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue
            reason = "told to"
            break
    finally:
        server.stop()
        address = read_address(plan.record.parent)
        if address is not None and address.process == own:
            remove_quietly(plan.record.parent / ADDRESS_FILE)
    return reason


def _say_port(port: int) -> None:
    """Tell whoever started us, and let go of its pipes."""
    say_and_detach(json.dumps({"port": port}), 0, 1)
    signal.alarm(0)


def main() -> int:
    """Take the plan and serve it in a process that is nobody's child: none is left over as a zombie."""
    signal.alarm(START_SECONDS)  # nobody waits longer for the plan, the fork or the port
    plan = UiProxyPlan.from_json(sys.stdin.readline())
    if os.fork():
        os._exit(0)
    signal.alarm(START_SECONDS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # What a malformed request looked like is nobody's business.
    logging.getLogger("tornado.general").setLevel(logging.CRITICAL)
    logger.info("serving the Spark UI for process %s", plan.kernel.pid)
    logger.info("end: %s", asyncio.run(serve(plan, ready=_say_port)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
