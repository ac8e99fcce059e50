"""An action for a session in a kernel that is busy: the server's way, where the front end's own gets no answer.

A front end sends actions over a comm in a subshell. Where a user's own callback blocks that subshell, or an
older front end has none, the server makes a subshell for this one action on the kernel's control channel, which
is answered whatever the kernel runs, opens the session's comm in it, and takes the subshell away again.

Every wait has an end; what a kernel says is passed on piece by piece, never as it came.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from queue import Empty
from typing import Any

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.session import Session

from sparkk8s_nb.errors import SessionError, SparkK8sError
from sparkk8s_nb.model.wire import SCHEMA, TARGET

LINES = 1000
NUDGE_SECONDS = 0.2
END_SECONDS = 1.0
AT_ONCE = 4
"""Actions for one kernel at a time: each is a thread there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait for a kernel, in seconds.

    Parameters
    ----------
    control : float
        For an answer of the control channel, which no cell blocks.
    heard : float
        For the word that the session's thread has the action.
    done : float
        For its end; the longest is a stop, which waits for Spark and for pods.
    late : float
        For a subshell that was not made in time, to take it away again: nobody else knows of it.
    """

    control: float = 5.0
    heard: float = 5.0
    done: float = 90.0
    late: float = 60.0


class _LateError(SessionError):
    """A request on the control channel was not answered in time; it may still be carried out."""

    def __init__(self, request: str) -> None:
        error = _no_answer()
        super().__init__(error.problem, fix=error.fix)
        self.request = request


class KernelActions:
    """Carries actions to kernels.

    Parameters
    ----------
    kernels : AsyncMappingKernelManager
        The server's own; no other kernel is ever reached.
    timeouts : Timeouts
    """

    def __init__(self, kernels: Any, timeouts: Timeouts | None = None) -> None:
        self._kernels = kernels
        self._timeouts = timeouts or Timeouts()
        self._running: Counter[str] = Counter()
        self._taking_back: set[asyncio.Task[None]] = set()

    def has(self, kernel_id: str) -> bool:
        """Whether it is one of the server's kernels."""
        return kernel_id in self._kernels

    async def act(self, kernel_id: str, action: Mapping[str, Any]) -> dict[str, Any]:
        """Have an action done; returns ``done`` with what came of it: ``said``, ``lines`` or ``problem``, ``fix``.

        Where nothing came of it in time there is ``heard`` too: whether the kernel has heard of it.

        Parameters
        ----------
        kernel_id : str
            One that the server has (:meth:`has`).
        action : Mapping
            From :func:`sparkk8s_nb.server.action_request.read_action`.
        """
        if self._running[kernel_id] >= AT_ONCE:
            return _failed(
                action, SessionError("The kernel is busy with other actions.", fix="Wait for one to end.")
            )
        self._running[kernel_id] += 1
        try:
            async with self._client(kernel_id) as client, self._subshell(client) as subshell:
                return await self._ask(client, subshell, action)
        except SparkK8sError as error:
            return _failed(action, error)
        finally:
            self._leave(kernel_id)

    def _leave(self, kernel_id: str) -> None:
        self._running[kernel_id] -= 1
        if not self._running[kernel_id]:
            del self._running[kernel_id]

    @contextlib.asynccontextmanager
    async def _client(self, kernel_id: str) -> AsyncIterator[AsyncKernelClient]:
        client = _client_of(self._kernels.get_kernel(kernel_id))
        client.start_channels(stdin=False, hb=False)
        is_kept = False
        try:
            await self._listening(client)
            yield client
        except _LateError as late:
            # The answer comes to this client alone. It counts as one at work: a kernel that never answers gets no more.
            task = asyncio.create_task(self._take_back(client, late.request))
            self._running[kernel_id] += 1
            self._taking_back.add(task)
            task.add_done_callback(self._taking_back.discard)
            task.add_done_callback(lambda _: self._leave(kernel_id))
            is_kept = True
            raise
        finally:
            if not is_kept:
                client.stop_channels()

    async def _take_back(self, client: AsyncKernelClient, request: str) -> None:
        """Delete a subshell that the kernel makes when nobody waits for it any more: it would stay for good."""
        try:
            with contextlib.suppress(SparkK8sError):
                reply = await self._reply(client, request, self._timeouts.late)
                if subshell := str(reply.get("subshell_id") or ""):
                    await self._control(client, "delete_subshell_request", {"subshell_id": subshell})
        finally:
            client.stop_channels()

    async def _listening(self, client: AsyncKernelClient) -> None:
        """Wait until we hear the kernel: what it says before our subscription has reached it is lost.

        Its greeting comes to a first listener only (XPUB passes on no second subscription of a kind), so it is made
        to say something: each request on the control channel has it say that it is busy.
        """
        deadline = time.monotonic() + self._timeouts.control
        while time.monotonic() < deadline:
            client.control_channel.send(client.session.msg("kernel_info_request", {}))
            with contextlib.suppress(Empty):
                await client.get_iopub_msg(timeout=NUDGE_SECONDS)
                return
        raise _no_answer()

    @contextlib.asynccontextmanager
    async def _subshell(self, client: AsyncKernelClient) -> AsyncIterator[str]:
        reply = await self._control(client, "create_subshell_request", {})
        subshell = str(reply.get("subshell_id") or "")
        if not subshell:
            raise _no_subshells()
        try:
            yield subshell
        finally:
            with contextlib.suppress(SparkK8sError):
                await self._control(client, "delete_subshell_request", {"subshell_id": subshell})

    async def _control(self, client: AsyncKernelClient, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        request = client.session.msg(kind, content)
        client.control_channel.send(request)
        return await self._reply(client, request["header"]["msg_id"], self._timeouts.control)

    async def _reply(self, client: AsyncKernelClient, request: str, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                reply = await client.get_control_msg(timeout=2 * NUDGE_SECONDS)
            except Empty:
                # Seen under load: a request lies unread in the kernel until another one comes.
                client.control_channel.send(client.session.msg("kernel_info_request", {}))
                continue
            if reply["parent_header"].get("msg_id") == request:
                content = reply["content"]
                return content if isinstance(content, dict) else {}
        raise _LateError(request)

    async def _ask(
        self, client: AsyncKernelClient, subshell: str, action: Mapping[str, Any]
    ) -> dict[str, Any]:
        asked = _Asked(client, subshell, action)
        deadline = time.monotonic() + self._timeouts.heard
        heard = False
        try:
            while (left := deadline - time.monotonic()) > 0:
                message = await asked.message(left)
                if message is None:
                    continue
                if message["header"]["msg_type"] == "comm_close":
                    raise _no_session()
                data = message["content"].get("data") or {}
                if data.get("heard") == action["id"] and not heard:
                    heard, deadline = True, time.monotonic() + self._timeouts.done
                if data.get("done") == action["id"]:
                    return _outcome(action, data)
            raise self._not_done() if heard else _no_answer()
        except SparkK8sError as error:
            return _failed(action, error, heard=heard)
        finally:
            await asked.let_end()

    def _not_done(self) -> SessionError:
        return SessionError(
            f"The session works on it, and is not done after {self._timeouts.done:.0f} s.",
            fix="The view shows when it is done.",
        )


class _Asked:
    """A comm that was opened for one action in a subshell, and what the kernel says in it."""

    def __init__(self, client: AsyncKernelClient, subshell: str, action: Mapping[str, Any]) -> None:
        self._client = client
        self._comm = uuid.uuid4().hex
        data = {"schema": SCHEMA, "do": dict(action)}
        request = client.session.msg(
            "comm_open", {"comm_id": self._comm, "target_name": TARGET, "data": data}
        )
        request["header"]["subshell_id"] = subshell
        self._request = request["header"]["msg_id"]
        self._through = False
        client.shell_channel.send(request)

    async def message(self, timeout: float) -> dict[str, Any] | None:
        """The next message of the comm; None if there is none in time, or the cell that runs says something."""
        try:
            message: dict[str, Any] = await self._client.get_iopub_msg(timeout=timeout)
        except Empty:
            return None
        content = message["content"]
        if message["parent_header"].get("msg_id") == self._request:
            self._through = self._through or content.get("execution_state") == "idle"
        return message if content.get("comm_id") == self._comm else None

    async def let_end(self) -> None:
        """Wait a moment until the kernel is through with it: its thread is not taken away at work."""
        deadline = time.monotonic() + END_SECONDS
        while not self._through and (left := deadline - time.monotonic()) > 0:
            await self.message(left)


def _client_of(manager: Any) -> AsyncKernelClient:
    """A client of a kernel's, with a session of its own: the manager's remembers what it has seen."""
    session = Session(key=manager.session.key, signature_scheme=manager.session.signature_scheme)
    client = manager.client(session=session, context=zmq.asyncio.Context.instance())
    if not isinstance(client, AsyncKernelClient):
        raise SessionError(
            "This kernel runs on another machine, where the server cannot reach it.",
            fix="Use the stop button.",
        )
    return client


def _outcome(action: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What the kernel said came of an action, as far as the contract knows it."""
    outcome: dict[str, Any] = {"done": action["id"]}
    outcome |= {key: str(data[key]) for key in ("said", "problem", "fix") if data.get(key) is not None}
    lines = data.get("lines")
    if isinstance(lines, list):
        outcome["lines"] = [str(line) for line in lines[-LINES:]]
    return outcome


def _failed(action: Mapping[str, Any], error: SparkK8sError, *, heard: bool = False) -> dict[str, Any]:
    """What the server itself says where no outcome came: ``heard``, whether the kernel has the action from it.

    Either way the kernel may still do it: it may also have it from the view.
    """
    return {"done": action["id"], "heard": heard, "problem": error.problem, "fix": error.fix}


def _no_session() -> SessionError:
    return SessionError(
        "No Spark session runs in this kernel.",
        fix="Load the extension and start one: %load_ext sparkk8s_nb, then %sparkk8s start.",
    )


def _no_answer() -> SessionError:
    return SessionError("The kernel does not answer.", fix="Use the stop button, or restart the kernel.")


def _no_subshells() -> SessionError:
    return SessionError(
        "This kernel takes no actions while a cell runs.",
        fix="Use the stop button; ipykernel 7.4 or newer where the kernel runs would take them.",
    )
