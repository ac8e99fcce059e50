"""The session of this kernel for whoever opens a comm: JupyterLab's panel, and the view that it puts back.

Comm target ``sparkk8s``. A front end that opens it gets a keyframe at once (``session`` is null before the first
start) and from then on numbered deltas, at most four a second, until the comm closes; ``{"ask": "keyframe"}`` gets
the whole state again, ``{"do": ..., "id": ...}`` has something done. A comm that is opened with ``do`` in its data
is for that action alone: no frames, and it closes with the answer. ``tab`` in the data, if given, names the
page's tab, and ``opening`` numbers its comms: when the page is reloaded its new comm replaces the one that nobody
reads any more, and one that is heard late, because it waited behind a cell, is closed for the newer one.

JupyterLab opens each target's comms over a subshell of their own, so all this works while a cell blocks, and
while a callback of a user's widget blocks the subshell of all widgets.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.model.wire import TARGET, keyframe
from sparkk8s_nb.model.wire_delta import message, size
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.allowance import Allowance
from sparkk8s_nb.views.context import apart
from sparkk8s_nb.views.environment import shell
from sparkk8s_nb.views.live import FRAME_SECONDS
from sparkk8s_nb.views.news import fleet_news, progress_news, streams_news

logger = logging.getLogger(__name__)

READERS = 8
"""So many comms at once; a page that is gone closes none, so the oldest has to make room."""

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """All that is known of this kernel's session at one moment.

    Parameters
    ----------
    session : mapping or None
        What is known of the session itself, as JSON values; None before the first start.
    fleet : Fleet or None
    progress : Progress or None
        Of the cell that runs, or of the last one.
    streams : Streams
    """

    session: Mapping[str, Any] | None = None
    fleet: Fleet | None = None
    progress: Progress | None = None
    streams: Streams = field(default_factory=Streams)

    def frame(self, seq: int, at: float, before: Message | None) -> dict[str, Any]:
        """Return it as a front end gets it."""
        return keyframe(
            self.session, self.fleet, self.progress, seq, streams=self.streams, at=at, before=before
        )

    def news(self) -> tuple[object, ...]:
        """What of it cannot wait."""
        return (
            self.session,
            fleet_news(self.fleet) if self.fleet is not None else None,
            progress_news(self.progress) if self.progress is not None else None,
            streams_news(self.streams),
        )


class LiveSource(Protocol):
    """Where the state comes from."""

    def read(self) -> LiveState:
        """Return the newest state."""
        ...

    def listen(self, wake: Callable[[], object]) -> None:
        """Have a function called whenever there may be a newer one."""
        ...

    def unlisten(self) -> None:
        """Undo :meth:`listen`."""
        ...


@dataclass(slots=True)
class _Reader:
    comm: Any
    tab: str
    opening: int
    asks: bool = True


class SessionComm:
    """The comms of one kernel's session, with one thread that writes to all of them while there are any.

    Parameters
    ----------
    source : LiveSource
    actions : ActionWorker
        Takes what front ends want done.
    now : callable
        Seconds since the epoch.
    allowance : Allowance, optional
        How much the comms may publish, together; a reserve of their own if not given.
    """

    def __init__(
        self,
        source: LiveSource,
        actions: ActionWorker,
        *,
        now: Callable[[], float] = time.time,
        allowance: Allowance | None = None,
    ) -> None:
        self._source = source
        self._actions = actions
        self._now = now
        self._allowance = allowance or Allowance()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._readers: dict[str, _Reader] = {}
        self._wake = threading.Event()
        self._worker: Worker | None = None
        self._sent: Message | None = None
        self._pushed: LiveState | None = None

    def register(self) -> None:
        """Begin to answer front ends; nothing happens where there is no kernel."""
        if manager := _comm_manager():
            manager.register_target(TARGET, self.opened)

    def unregister(self) -> None:
        """Answer nobody any more, and close what is open."""
        if manager := _comm_manager():
            manager.targets.pop(TARGET, None)
        with self._lock:
            readers, self._readers = list(self._readers.values()), {}
            self._end()
        for reader in readers:
            _apart(reader.comm.close)

    def opened(self, comm: Any, opening: Message) -> None:
        """Take a comm that a front end has opened; returns at once."""
        data = opening["content"].get("data") or {}
        if isinstance(data.get("do"), Mapping):
            self._actions.take(data["do"], lambda answer: _answer_and_close(comm, answer))
            return
        comm.on_msg(lambda heard: self._heard(comm, heard["content"].get("data")))
        comm.on_close(lambda _: self._closed(comm))
        number = data.get("opening")
        if not isinstance(number, int):
            number = 0
        for gone in self._take(_Reader(comm, str(data.get("tab") or ""), number)):
            _apart(gone.comm.close)
        self._wake.set()

    def _take(self, reader: _Reader) -> list[_Reader]:
        """Take one more reader; returns those that are none any more, which may be this one."""
        with self._lock:
            of_tab = [one for one in self._readers.values() if reader.tab and one.tab == reader.tab]
            if any(one.opening > reader.opening for one in of_tab):
                return [reader]
            rest = [one for one in self._readers.values() if one not in of_tab]
            gone = of_tab + rest[: max(0, len(rest) - READERS + 1)]
            for one in gone:
                del self._readers[one.comm.comm_id]
            self._readers[reader.comm.comm_id] = reader
            self._begin()
            return gone

    def _heard(self, comm: Any, data: object) -> None:
        """Note a wish and return: further messages wait behind this one."""
        if not isinstance(data, Mapping):
            return
        if "do" in data:
            self._actions.take(data, lambda answer: _apart(lambda: comm.send(dict(answer))))
        elif data.get("ask") == "keyframe":
            with self._lock:
                if reader := self._readers.get(comm.comm_id):
                    reader.asks = True
            self._wake.set()

    def _closed(self, comm: Any) -> None:
        with self._lock:
            self._readers.pop(comm.comm_id, None)
            if not self._readers:
                self._end()

    def _begin(self) -> None:
        if self._worker is None:
            self._source.listen(self._wake.set)
            self._worker = Worker("session-comm", self._follow, on_death=self._died)
            self._worker.start()

    def _end(self) -> None:
        if self._worker is not None:
            self._source.unlisten()
            self._worker.request_stop()
            self._worker = None
            self._wake.set()

    def _follow(self, stop: StopFlag) -> None:
        while not stop.is_set():
            self._wake.wait()
            state = self._when_allowed(stop)
            if stop.is_set():
                self._wake.set()  # a thread that came after this one may wait for the same
                return
            with self._writing:  # a thread that ends may still be at its last frame
                self._push(state)
            stop.wait(FRAME_SECONDS)

    def _when_allowed(self, stop: StopFlag) -> LiveState:
        """The newest state when it may be sent; what is new meanwhile takes its place."""
        while True:
            self._wake.clear()
            state = self._source.read()
            with self._lock:
                asked = any(reader.asks for reader in self._readers.values())
            wait = 0.0 if asked else self._allowance.wait(urgent=self._urgent(state))
            if wait <= 0 or stop.is_set():
                return state
            stop.wait(min(wait, FRAME_SECONDS))

    def _urgent(self, state: LiveState) -> bool:
        return self._pushed is None or state.news() != self._pushed.news()

    def _push(self, state: LiveState) -> None:
        """Send a delta to those who can go on from the last frame, the whole state to those who ask."""
        at = self._now()
        sent = self._sent
        frame = state.frame(sent["seq"] + 1 if sent is not None else 1, at, sent)
        news = message(sent, frame)
        if news is not None:
            self._sent = frame
        self._pushed = state
        whole = {**(self._sent or frame), "at": at}
        with self._lock:
            readers = list(self._readers.values())
            asking = [reader for reader in readers if reader.asks]
            for reader in asking:
                reader.asks = False
        for reader in readers:
            said = whole if reader in asking else news
            if said is not None:
                self._allowance.spend(size(said), asked=reader in asking)
                _send(reader.comm, said)

    def _died(self, error: BaseException) -> None:
        """Close what is open: pages then open it anew, and none takes its last frame for what is."""
        logger.warning("the session's comms ended: %s", error)
        with self._lock:
            self._source.unlisten()
            self._worker = None
            readers, self._readers = list(self._readers.values()), {}
        for reader in readers:
            # Whatever ended the thread may be wrong with one of them; the others are closed all the same.
            with contextlib.suppress(Exception):
                _apart(reader.comm.close)


def _comm_manager() -> Any:
    """The manager of this kernel's comms; None outside of a kernel."""
    if getattr(shell(), "kernel", None) is None:
        return None
    from comm import get_comm_manager

    return get_comm_manager()


def _apart(work: Callable[[], object]) -> None:
    apart(getattr(shell(), "kernel", None), work)


def _send(comm: Any, said: Message) -> None:
    _apart(lambda: comm.send(dict(said)))


def _answer_and_close(comm: Any, answer: Message) -> None:
    _send(comm, answer)
    if "done" in answer:
        _apart(comm.close)
