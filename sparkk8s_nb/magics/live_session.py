"""The newest session of this kernel as one value, read whenever one of its feeds has changed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.session.registry import Registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.views.session_comm import LiveState


def view_info(session: Session) -> dict[str, Any]:
    """Return what a view under a cell may say of a session: what stays the same as long as it is live.

    ``kernel`` lets the page ask Jupyter's server where the kernel itself does not hear it.
    """
    record = session.record()
    return {"name": record.name, "kernel": record.kernel}


def session_info(session: Session) -> dict[str, Any]:
    """Return what the panel says of a session."""
    record = session.record()
    return {
        **view_info(session),
        "notebook": record.notebook,
        "app_id": record.app_id,
        "state": str(session.state),
        "executors": record.executors,
        "started": round(record.started, 3),
        "ui": bool(record.ui_url) and not session.state.over,
    }


class LiveSession:
    """Reads the session that a registry holds (the :class:`~sparkk8s_nb.views.session_comm.LiveSource` protocol).

    Also one that still starts, that has failed or was stopped: its last state stays until the next start.

    Parameters
    ----------
    registry : Registry
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._wake: Callable[[], object] | None = None
        self._heard: list[Feed[Any]] = []

    def read(self) -> LiveState:
        """The newest state; listens to what it was made of."""
        session = self._registry.newest.value
        if session is None:
            self._hear([])
            return LiveState()
        feeds: list[Feed[Any]] = [session.fleet_feed, session.state_feed]
        # There are none before the driver runs; the fleet changes all the time until then.
        with contextlib.suppress(SparkK8sError):
            feeds += [session.progress_feed, session.streams_feed]
        self._hear(feeds)
        return LiveState(
            session=session_info(session),
            fleet=session.fleet,
            progress=session.progress,
            streams=session.streams,
        )

    def listen(self, wake: Callable[[], object]) -> None:
        """Have a function called at every change of the session, or when there is another one."""
        with self._lock:
            self._wake = wake
            self._registry.newest.listen(wake)

    def unlisten(self) -> None:
        """Undo :meth:`listen`; a second time nothing happens."""
        self._hear([])
        with self._lock:
            if self._wake is not None:
                self._registry.newest.unlisten(self._wake)
            self._wake = None

    def _hear(self, feeds: list[Feed[Any]]) -> None:
        with self._lock:
            wake = self._wake
            if wake is None:
                feeds = []
            known = {id(feed): feed for feed in self._heard}
            wanted = {id(feed): feed for feed in feeds}
            for key in known.keys() - wanted.keys():
                known[key].unlisten(self._listening)
            for key in wanted.keys() - known.keys():
                wanted[key].listen(self._listening)
            self._heard = feeds

    def _listening(self) -> None:
        if (wake := self._wake) is not None:
            wake()
