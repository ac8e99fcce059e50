"""Pages of Spark's own, signed for and passed through. See :mod:`sparkk8s_nb.server.routes`."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated

from sparkk8s_nb.errors import NoSessionError, SparkK8sError
from sparkk8s_nb.server.past_ui import first_page
from sparkk8s_nb.server.service import PREFIX, RESOURCE, Service
from sparkk8s_nb.server.ui_forward import (
    FORM_BYTES,
    METHODS,
    changes_something,
    check_base,
    from_page_under,
    is_own_form,
    path_under,
)
from sparkk8s_nb.server.ui_target import UiTarget
from sparkk8s_nb.server.ui_upstream import forward

_PAST_APP = re.compile(r"/history/([^/]+)(?:/.*)?")


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
