"""JSON for the panel: decode, call, encode. See :mod:`sparkk8s_nb.server.routes`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import authenticated

from sparkk8s_nb.errors import NoSessionError, SparkK8sError, UsageError
from sparkk8s_nb.server.action_request import read_action
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


class _Polled(_Api):
    """What a panel asks again and again."""

    SUPPORTED_METHODS = ("GET", "HEAD")
    _track_activity = False  # nobody's work

    async def answer(self) -> dict[str, Any]:
        """What is said to both methods."""
        raise NotImplementedError

    @authenticated
    @authorized
    async def get(self) -> None:
        """The answer."""
        self.finish(json.dumps(await self.answer()))

    @authenticated
    @authorized
    async def head(self) -> None:
        """The same; tornado leaves the body out."""
        self.finish(json.dumps(await self.answer()))


class Sessions(_Polled):
    """``api/sessions``."""

    async def answer(self) -> dict[str, Any]:
        """The sessions."""
        return await self.service.sessions()


class Namespace(_Polled):
    """``api/namespace``."""

    async def answer(self) -> dict[str, Any]:
        """The other sessions of the namespace."""
        return await self.service.namespace()


class History(_Polled):
    """``api/history``."""

    async def answer(self) -> dict[str, Any]:
        """The event logs."""
        return await self.service.history()


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
