"""The routes that the extension adds to Jupyter's server: decode, call, encode.

====================================  ==========================================================================
``api/sessions``                      ``GET``: this user's sessions in this server's kernels
``api/history``                       ``GET``: event logs of sessions that have stopped
``api/kernels/{kernel}/actions``      ``POST``: an action for a session in a kernel that is busy
``ui/{session}/...``                  the Spark UI of a session
``past/{application}/``               leads to the UI of a session that has stopped
``past/...``                          that UI, from the history server
====================================  ==========================================================================

Every method wants Jupyter's authentication and asks Jupyter's authorizer (resource ``sparkk8s``: ``read`` for
``GET`` and ``HEAD``, ``write`` for ``POST`` and for whatever ends a job). Every ``POST`` wants Jupyter's XSRF
token, or to be a form of the Spark UI's own page, which has a token of Spark's. There is no ``OPTIONS``.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, RequestHandler, authenticated

from sparkk8s_nb.errors import NoSessionError, SparkK8sError, UsageError
from sparkk8s_nb.server.kernel_actions import read_action
from sparkk8s_nb.server.past_ui import first_page
from sparkk8s_nb.server.service import Service
from sparkk8s_nb.server.ui_forward import (
    METHODS,
    changes_something,
    check_base,
    from_page_under,
    is_own_form,
    path_under,
)
from sparkk8s_nb.server.ui_target import UiTarget
from sparkk8s_nb.server.ui_upstream import forward

PREFIX = "sparkk8s"
RESOURCE = "sparkk8s"
FORM_BYTES = 1 << 20
"""The UI's forms are a few bytes."""

_PAST_APP = re.compile(r"/history/([^/]+)(?:/.*)?")


class _Api(APIHandler):
    """JSON for the panel."""

    auth_resource = RESOURCE
    service: Service

    def initialize(self, service: Service) -> None:
        """Called by tornado for every request."""
        self.service = service

    def refuse(self, status: HTTPStatus, error: SparkK8sError) -> None:
        """What is wrong, and what to do."""
        self.set_status(status)
        self.finish(json.dumps({"problem": error.problem, "fix": error.fix}))


class Sessions(_Api):
    """``api/sessions``."""

    SUPPORTED_METHODS = ("GET", "HEAD")
    _track_activity = False  # a panel polls it: nobody's work

    @authenticated
    @authorized
    async def get(self) -> None:
        """The sessions."""
        self.finish(json.dumps(await self.service.sessions()))

    @authenticated
    @authorized
    async def head(self) -> None:
        """The same without them."""
        self.finish(json.dumps(await self.service.sessions()))


class History(_Api):
    """``api/history``."""

    SUPPORTED_METHODS = ("GET", "HEAD")
    _track_activity = False

    @authenticated
    @authorized
    async def get(self) -> None:
        """The event logs."""
        self.finish(json.dumps(await self.service.history()))

    @authenticated
    @authorized
    async def head(self) -> None:
        """The same without them."""
        self.finish(json.dumps(await self.service.history()))


class Actions(_Api):
    """``api/kernels/{kernel}/actions``."""

    SUPPORTED_METHODS = ("POST",)

    @authenticated
    @authorized
    async def post(self, kernel_id: str) -> None:
        """Carry an action to the kernel, and answer with what came of it."""
        if not self.service.actions.has(kernel_id):
            gone = NoSessionError("This server has no such kernel.", fix="Reload the page.")
            self.refuse(HTTPStatus.NOT_FOUND, gone)
            return
        try:
            action = read_action(self.request.body)
        except UsageError as error:
            self.refuse(HTTPStatus.BAD_REQUEST, error)
            return
        self.finish(json.dumps(await self.service.actions.act(kernel_id, action)))


class _SparkPages(JupyterHandler):
    """Pages of Spark's own, signed for and passed through."""

    SUPPORTED_METHODS: tuple[str, ...] = METHODS
    auth_resource = RESOURCE
    service: Service

    def initialize(self, service: Service) -> None:
        """Called by tornado for every request."""
        self.service = service

    @property
    def base(self) -> str:
        """The path under which the browser sees these pages."""
        raise NotImplementedError

    def base_of(self, *segments: str) -> str:
        """A path of ours, as the browser sees it."""
        return url_path_join(self.base_url, PREFIX, *segments)

    def check_xsrf_cookie(self) -> None:
        """Spark's forms do not know Jupyter's token: they come from a page of that UI, and have one of Spark's."""
        if not is_own_form(self.base, self.request.headers, self.request.host):
            super().check_xsrf_cookie()

    async def show(self, target: Callable[[str], Awaitable[UiTarget]]) -> None:
        """Answer with a page of the UI at the target, which is asked for with the page's path there."""
        base = self.base
        path = path_under(self.request.uri or "", base)
        if path is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        if len(self.request.body) > FORM_BYTES:
            raise HTTPError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        await self._check_change(path, base)
        try:
            found = await target(path)
            await forward(self, found, path, base=check_base(base))
        except SparkK8sError as error:
            raise _page_of(error) from error

    async def _check_change(self, path: str, base: str) -> None:
        """Where Spark ends jobs with ``GET``, that is a right to write, and a link on another site may not do it."""
        if self.request.method == "POST" or not changes_something(path):
            return
        if not self.token_authenticated and not from_page_under(
            base, self.request.headers, self.request.host
        ):
            raise HTTPError(HTTPStatus.FORBIDDEN, "Jobs are ended from the Spark UI's own pages only.")
        user = self.current_user
        if not await ensure_async(self.authorizer.is_authorized(self, user, "write", RESOURCE)):
            raise HTTPError(HTTPStatus.FORBIDDEN)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page of our own: what is wrong and what to do, in a tab or in a frame of JupyterLab."""
        _kind, error, _trace = kwargs.get("exc_info", (None, None, None))
        said = error.log_message % error.args if isinstance(error, HTTPError) and error.log_message else ""
        sentence = html.escape(said or f"{status_code} {HTTPStatus(status_code).phrase}")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Spark UI</title></head>'
            f"<body><p>{sentence}</p></body></html>\n"
        )

    def compute_etag(self) -> None:
        """None: hashing every answer would be for nothing."""


class SparkUi(_SparkPages):
    """``ui/{session}/...``."""

    @authenticated
    @authorized
    async def get(self, name: str, _rest: str | None = None) -> None:
        """A page."""
        await self._show(name)

    @authenticated
    @authorized
    async def head(self, name: str, _rest: str | None = None) -> None:
        """What a page would be."""
        await self._show(name)

    @authenticated
    @authorized
    async def post(self, name: str, _rest: str | None = None) -> None:
        """A form."""
        await self._show(name)

    @property
    def base(self) -> str:
        """With the session's name."""
        return self.base_of("ui", self.path_args[0])

    async def _show(self, name: str) -> None:
        await self.show(lambda _path: self.service.ui_of(name))


class PastUi(_SparkPages):
    """``past/...``: the history server as it is, its pages at ``history/{application}/``."""

    @authenticated
    @authorized
    async def get(self, _rest: str | None = None) -> None:
        """A page."""
        await self._show()

    @authenticated
    @authorized
    async def head(self, _rest: str | None = None) -> None:
        """What a page would be."""
        await self._show()

    @authenticated
    @authorized
    async def post(self, _rest: str | None = None) -> None:
        """A form."""
        await self._show()

    @property
    def base(self) -> str:
        """One for all applications."""
        return self.base_of("past")

    async def _show(self) -> None:
        await self.show(self._target)

    async def _target(self, path: str) -> UiTarget:
        """The history server; started for a page of an application if it has ended meanwhile."""
        found = _PAST_APP.fullmatch(path.partition("?")[0])
        return await self.service.past(found[1] if found else "")


class PastEntry(_SparkPages):
    """``past/{application}/``."""

    SUPPORTED_METHODS = ("GET", "HEAD")

    @property
    def base(self) -> str:
        """Where it leads."""
        return self.base_of("past")

    @authenticated
    @authorized
    async def get(self, app_id: str) -> None:
        """Have the history server show the application, and go there."""
        await self._go(app_id)

    @authenticated
    @authorized
    async def head(self, app_id: str) -> None:
        """The same: whoever looks where it leads."""
        await self._go(app_id)

    async def _go(self, app_id: str) -> None:
        try:
            await self.service.past(app_id)
        except SparkK8sError as error:
            raise _page_of(error) from error
        self.redirect(url_path_join(self.base, first_page(app_id)))


def _page_of(error: SparkK8sError) -> HTTPError:
    status = HTTPStatus.NOT_FOUND if isinstance(error, NoSessionError) else HTTPStatus.BAD_GATEWAY
    return HTTPError(status, "%s %s", error.problem, error.fix)


def handlers(base_url: str, service: Service) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """All routes, for tornado.

    Parameters
    ----------
    base_url : str
        The server's own, with ``/`` at both ends.
    service : Service
    """
    base = re.escape(url_path_join(base_url, PREFIX))
    routes: list[tuple[str, type[RequestHandler]]] = [
        (r"/api/sessions", Sessions),
        (r"/api/history", History),
        (r"/api/kernels/([0-9a-zA-Z_-]+)/actions", Actions),
        (r"/ui/([^/]+)(/.*)?", SparkUi),
        (r"/past/((?:spark|local|app)-[0-9A-Za-z_-]+)/?", PastEntry),
        (r"/past(/.*)?", PastUi),
    ]
    return [(base + path, handler, {"service": service}) for path, handler in routes]
