"""The one session of this process, and what a second start means."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sparkk8s_nb.errors import NoSessionError, SessionExistsError
from sparkk8s_nb.model.settings import Settings
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.session import wiring
from sparkk8s_nb.session.preparing import prepare_in_background
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.spark.pyspark_state import active_context, context_description
from sparkk8s_nb.telemetry.feed import Feed

COURSE_OPTIONS = frozenset({"executors", "wait", "timeout", "restart", "progress"})
"""Options that describe this start, not the session: they may differ at the second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a start did: the session, and whether it is new, was scaled or simply was there."""

    session: Session
    news: str = ""


class Registry:
    """Holds the session of one process. Use :data:`registry`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._options: Mapping[str, Any] = {}
        self._pid = os.getpid()
        self._listeners: list[Callable[[Session], None]] = []
        self.settings: Settings | None = None
        self.newest: Feed[Session | None] = Feed(None)
        """The session that was made last, from before it runs until another one is; None before the first."""

    @property
    def current(self) -> Session | None:
        """The session that runs (or is lost, or has failed and was not stopped yet); None without one.

        In a forked child there is none: the session is the parent's.
        """
        if os.getpid() != self._pid:
            return None
        session = self._session
        return session if session is not None and not session.closed else None

    def require(self) -> Session:
        """The session.

        Raises
        ------
        NoSessionError
            If there is none.
        """
        session = self.current
        if session is None:
            raise NoSessionError(
                "No Spark session runs in this kernel.", fix="Start one with %sparkk8s start."
            )
        return session

    def start(
        self,
        options: Mapping[str, Any],
        *,
        settings: Settings | None = None,
        given: Sequence[str] = (),
        restart: bool = False,
        on_made: Callable[[Session], None] | None = None,
    ) -> Started:
        """Start a session, or make sense of a second start.

        With the same options the running session is returned; with another number of executors it is
        scaled; with anything else the error names ``--restart``. A restart stops the session that runs once its
        own options have proved good.

        Raises
        ------
        SessionExistsError
            If a session with other options runs, or a SparkContext that was made outside.
        SparkK8sError
            If the start fails; nothing is left of it.
        """
        with self._lock:
            session = self.current
            if session is not None and not (restart or session.state.over):
                return self._again(session, options)
            if session is None and not restart:
                self._refuse_foreign_context()
            session = wiring.open_session(
                options,
                given=given,
                make_room=partial(self._make_room, session, restart=restart),
                on_made=self._made(on_made),
            )
            self._session, self._options, self.settings = session, dict(options), settings
            if options.get("class_archives"):
                prepare_in_background(session.spec.target)
            for listener in self._listeners:
                listener(session)
            return Started(session=session)

    def _made(self, on_made: Callable[[Session], None] | None) -> Callable[[Session], None]:
        def told(session: Session) -> None:
            self.newest.publish(session)
            if on_made is not None:
                on_made(session)

        return told

    def listen(self, listener: Callable[[Session], None]) -> None:
        """Have a function called with every new session, once it runs, on the thread that started it."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Session], None]) -> None:
        """Undo :meth:`listen`."""
        self._listeners.remove(listener)

    def stop(self) -> str:
        """Stop the session and return its summary.

        Raises
        ------
        NoSessionError
            If there is none.
        """
        return self.require().stop()

    def leave(self) -> None:
        """The interpreter exits: tell the keeper, wait for nothing."""
        session = self.current
        if session is not None:
            session.abandon()

    def _again(self, session: Session, options: Mapping[str, Any]) -> Started:
        different = sorted(
            key
            for key in options.keys() | self._options.keys()
            if key not in COURSE_OPTIONS and options.get(key) != self._options.get(key)
        )
        if different:
            raise SessionExistsError(
                f"A session runs already, with another {', '.join(different)}.",
                fix="Start anew with %sparkk8s start --restart (and your options), or keep the one that runs.",
            )
        wanted = options["executors"]
        if session.state is SessionState.LOST:
            session.scale(wanted)
            return Started(session=session, news="The session had lost its Lease: revived.")
        if wanted != session.fleet.wanted:
            before = session.fleet.wanted
            session.scale(wanted)
            return Started(
                session=session, news=f"The session runs already: scaled from {before} to {wanted}."
            )
        return Started(session=session, news="The session runs already, with these options.")

    @staticmethod
    def _refuse_foreign_context() -> None:
        context = active_context()
        if context is not None:
            raise SessionExistsError(
                f"A SparkContext that was made outside runs in this kernel ({context_description(context)}).",
                fix="Stop it with spark.stop(), or replace it: %sparkk8s start --restart.",
            )

    def _make_room(self, session: Session | None, *, restart: bool) -> None:
        """Stop the session before; at a restart also a SparkContext that was made outside."""
        if session is not None:
            session.stop()
        if restart and (context := active_context()) is not None:
            context.stop()
        else:
            self._refuse_foreign_context()


registry = Registry()
atexit.register(registry.leave)
