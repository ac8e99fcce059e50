"""JSON for the panel: decode, call, encode. See :mod:`sparkk8s_nb.server.routes`."""

from __future__ import annotations

import json
from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from sparkk8s_nb.errors import NoSessionError, SparkK8sError, UsageError
from sparkk8s_nb.server.kernel_actions import read_action
from sparkk8s_nb.server.service import RESOURCE, Service


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
