"""The fleet of a session while it lives: events in, the newest fleet out, the breaker beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sparkk8s_nb.model.diagnosis import Breaker
from sparkk8s_nb.model.fleet import Fleet, FleetEvent
from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.model.usage import Usage
from sparkk8s_nb.telemetry.feed import Feed


class FleetState:
    """Folds events of several threads, one at a time, and publishes the fleet.

    Parameters
    ----------
    wanted : int
        How many executors are asked for.
    on_trip : callable
        Called once, on the thread whose event tripped the breaker, with the reason.
    """

    def __init__(self, wanted: int, on_trip: Callable[[str], None]) -> None:
        self.feed: Feed[Fleet] = Feed(Fleet(wanted=wanted))
        self._lock = threading.Lock()
        self._breaker = Breaker(wanted)
        self._usage = Usage()
        self._verdict = ""
        self._start: StartPhase | None = None
        self._on_trip = on_trip

    def apply(self, event: FleetEvent) -> None:
        """Take one event; publishes, and tells when it trips the breaker."""
        with self._lock:
            tripped_before = bool(self._breaker.tripped)
            self._breaker = self._breaker.apply(event)
            self._usage = self._usage.apply(event)
            tripped = self._breaker.tripped
            if tripped_before and not tripped:
                self._verdict = ""
            self._publish()
        if tripped and not tripped_before:
            self._on_trip(tripped)

    def judge(self, verdict: str) -> None:
        """Set the one sentence that says what is wrong; empty for nothing."""
        with self._lock:
            self._verdict = verdict
            self._publish()

    def during(self, start: StartPhase | None) -> None:
        """Set what the session's start does now; None once it is over."""
        with self._lock:
            self._start = start
            self._publish()

    def _publish(self) -> None:
        self.feed.publish(self._breaker.fleet.judged(self._verdict).during(self._start))

    @property
    def tripped(self) -> str:
        """Why no executors are asked for any more; empty while they are."""
        with self._lock:
            return self._breaker.tripped

    def usage(self, now: float) -> Usage:
        """What the executors cost up to now."""
        with self._lock:
            return self._usage.at(now)
