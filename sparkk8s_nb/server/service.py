"""What the routes answer with: this server's kernels, this user's records, and where a UI is."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparkk8s_nb.errors import NoSessionError, SessionError, SparkK8sError
from sparkk8s_nb.model.paths import EVENT_LOGS, PAST, RECORD_FILE
from sparkk8s_nb.model.wire import SCHEMA
from sparkk8s_nb.server.event_logs import event_log_of, event_logs
from sparkk8s_nb.server.kernel_actions import KernelActions
from sparkk8s_nb.server.namespace_list import NamespaceSessions
from sparkk8s_nb.server.past_ui import is_shown, open_past
from sparkk8s_nb.server.records import OwnSession, own_session, own_sessions, past_record
from sparkk8s_nb.server.ui_target import UiTarget, note_use, target_of

PREFIX = "sparkk8s"
"""Of all routes, behind the server's own base URL."""
RESOURCE = "sparkk8s"
"""What Jupyter's authorizer is asked about."""


class Service:
    """Answers for one Jupyter server. Whatever waits for files or processes does so on another thread.

    Parameters
    ----------
    kernels : AsyncMappingKernelManager
        The server's own.
    notebooks : SessionManager
        Knows which notebook a kernel belongs to.
    runtime, state : Path
        This user's runtime and state directories.
    namespace : NamespaceSessions, optional
    """

    def __init__(
        self,
        *,
        kernels: Any,
        notebooks: Any,
        runtime: Path,
        state: Path,
        namespace: NamespaceSessions | None = None,
    ) -> None:
        self.actions = KernelActions(kernels)
        self._namespace = namespace or NamespaceSessions()
        self._kernels = kernels
        self._notebooks = notebooks
        self._runtime = runtime
        self._state = state
        # Applications whose event logs the history server has read: told of one, it answers "not found" before.
        self._read: set[str] = set()

    async def sessions(self) -> dict[str, Any]:
        """The sessions in this server's kernels."""
        found = await asyncio.to_thread(own_sessions, self._runtime)
        paths = await self._paths()
        ours = [own for own in found.sessions if self._is_ours(own)]
        self._namespace.note_own(own.record.name for own in ours)
        rows = [_row(own, paths.get(own.record.kernel)) for own in ours]
        return {"schema": SCHEMA, "sessions": rows, "problem": _plain(found.trouble)}

    async def namespace(self) -> dict[str, Any]:
        """The other sessions of the namespace, whosever they are: for reading only."""
        listed = await self._namespace.listed()
        own = await asyncio.to_thread(own_sessions, self._runtime)
        ours = self._namespace.note_own(one.record.name for one in own.sessions if self._is_ours(one))
        rows, more = listed.without(ours)
        return {"schema": SCHEMA, "sessions": rows, "more": more, "problem": _plain(listed.trouble)}

    async def history(self) -> dict[str, Any]:
        """The event logs of sessions that have stopped, the newest first."""
        try:
            logs = await asyncio.to_thread(event_logs, self._state / EVENT_LOGS)
        except SparkK8sError as error:
            return {"schema": SCHEMA, "applications": [], "problem": _plain(error)}
        sessions = await asyncio.to_thread(own_sessions, self._runtime)
        living = {own.record.app_id for own in sessions.sessions if not own.dead}
        rows = [
            {"app_id": log.app_id, "written": log.written, "complete": log.complete}
            for log in logs
            if log.app_id not in living
        ]
        return {"schema": SCHEMA, "applications": rows, "problem": None}

    async def ui_of(self, name: str) -> UiTarget:
        """Where the Spark UI of a session is.

        Raises
        ------
        NoSessionError
            If none of this server's kernels has a session of that name.
        SparkK8sError
            If it has no UI, its kernel is gone, or its record is not to be trusted.
        """
        own = await asyncio.to_thread(own_session, self._runtime, name)
        if not self._is_ours(own):
            raise NoSessionError(
                "No kernel of this server has that session.", fix="Start one: %sparkk8s start."
            )
        if own.dead:
            raise SessionError("The session's kernel is gone.", fix="Start it anew: %sparkk8s start.")
        return target_of(own.record)

    async def past(self, app_id: str) -> UiTarget:
        """Where the history server is; with an application's id it is started if need be, and shows that one.

        Raises
        ------
        SparkK8sError
            If there is no such event log, or no history server.
        """
        return await asyncio.to_thread(self._past, app_id)

    def _past(self, app_id: str) -> UiTarget:
        if app_id and not (app_id in self._read and is_shown(self._runtime, app_id)):
            open_past(self._runtime, event_log_of(self._state / EVENT_LOGS, app_id))
            self._read.add(app_id)
        target = target_of(past_record(self._runtime))
        note_use(self._runtime / PAST / RECORD_FILE)
        return target

    def _is_ours(self, own: OwnSession) -> bool:
        return bool(own.record.kernel) and own.record.kernel in self._kernels

    async def _paths(self) -> dict[str, str]:
        """The notebooks' paths, by kernel."""
        notebooks = await self._notebooks.list_sessions()
        return {each["kernel"]["id"]: each["path"] for each in notebooks if each.get("kernel")}


def _row(own: OwnSession, path: str | None) -> dict[str, Any]:
    record = own.record
    plain = asdict(record)
    row = {
        key: plain[key] for key in ("name", "notebook", "started", "executors", "cores", "memory", "app_id")
    }
    return row | {
        "kernel_id": record.kernel or None,
        "path": path,
        "state": "dead" if own.dead else "starting" if record.starting else "running",
        "ui": bool(record.ui_url) and not own.dead,
        "readonly": record.readonly,
    }


def _plain(error: SparkK8sError | None) -> dict[str, str] | None:
    return None if error is None else {"problem": error.problem, "fix": error.fix}
