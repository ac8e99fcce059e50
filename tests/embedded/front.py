"""A front end for tests: it reads all that a kernel publishes, and speaks over subshells and comms."""

from __future__ import annotations

import contextlib
import queue
import time
import uuid
from collections.abc import Callable
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

LONG = 60.0
"""Seconds that anything may take at most here; no promise is checked with it."""


class Front:
    """A front end that keeps every message, in order."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.messages: list[dict[str, Any]] = []

    def run(self, code: str, *, cell: str = "", subshell: str = "", store: bool = True) -> str:
        """Send a cell and return the id of its request.

        Parameters
        ----------
        code : str
        cell : str
            The notebook's id of the cell, as JupyterLab sends it.
        subshell : str
            Where to run it; the main shell if not given.
        store : bool
            Whether it is counted in the history: the next cell has the same number as one that is not.
        """
        content = {"code": code, "silent": False, "store_history": store, "user_expressions": {}}
        message = self.client.session.msg("execute_request", {**content, "allow_stdin": False})
        message["metadata"] = {"cellId": cell} if cell else {}
        return self._send(message, subshell)

    def _send(self, message: dict[str, Any], subshell: str) -> str:
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def until(
        self, done: Callable[[dict[str, Any]], bool], what: str, *, errors: bool = False
    ) -> dict[str, Any]:
        """Read messages until one fits; a cell's error is raised unless it may be."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                message = self.client.get_iopub_msg(timeout=1)
                self.messages.append(message)
                if message["msg_type"] == "error" and not errors:
                    raise AssertionError("\n".join(message["content"]["traceback"]))
                if done(message):
                    return dict(message)
        raise AssertionError(f"no message that is {what}")

    def idle(self, request: str, *, errors: bool = False) -> None:
        """Read until a cell has ended, unless that was read already."""

        def ended(message: dict[str, Any]) -> bool:
            return (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == request
            )

        if not any(map(ended, self.messages)):
            self.until(ended, "the cell's end", errors=errors)

    def cell(self, code: str) -> str:
        """Run a cell to its end."""
        request = self.run(code)
        self.idle(request)
        return request

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["msg_type"] == kind]

    def subshell(self) -> str:
        """Open a subshell, as JupyterLab does for comms."""
        request = self.client.session.msg("create_subshell_request")
        self.client.control_channel.send(request)
        reply = self.client.get_control_msg(timeout=LONG)
        return str(reply["content"]["subshell_id"])

    def ask(self, comm: str, subshell: str) -> None:
        """Say what the browser's code says when it is loaded."""
        self.say(comm, {"method": "custom", "content": {"ask": "keyframe"}}, subshell)

    def say(self, comm: str, data: dict[str, Any], subshell: str) -> None:
        """Send a message over a comm."""
        self._send(self.client.session.msg("comm_msg", {"comm_id": comm, "data": data}), subshell)

    def open(self, target: str, data: dict[str, Any], subshell: str) -> str:
        """Open a comm as a page does; returns its id."""
        comm = uuid.uuid4().hex
        content = {"comm_id": comm, "target_name": target, "data": data}
        self._send(self.client.session.msg("comm_open", content), subshell)
        return comm

    def heard(self, comm: str, done: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Read until the kernel has said something that fits over a comm; returns what it said."""
        message = self.until(
            lambda message: (
                message["msg_type"] == "comm_msg"
                and message["content"]["comm_id"] == comm
                and done(message["content"]["data"])
            ),
            what,
            errors=True,
        )
        return dict(message["content"]["data"])
