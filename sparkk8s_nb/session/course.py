"""Where a session is in its life, and what is wrong with the session itself."""

from __future__ import annotations

from collections.abc import Callable

from sparkk8s_nb.errors import DriverError, SessionLostError, SparkK8sError
from sparkk8s_nb.model import lease_events
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.telemetry.feed import Feed

LIVING = (SessionState.CHECKING, SessionState.CONNECTING, SessionState.RUNNING, SessionState.LOST)


class Course:
    """The states of one session. What happens to it comes from several threads; the first to say so wins.

    Parameters
    ----------
    fleet : FleetState
        Where the verdict is shown.
    stop_asking : callable
        Has Spark ask for no more executors.
    announce : callable
        Told of what goes wrong: an Event's reason and its message. Must not wait.
    """

    def __init__(
        self,
        fleet: FleetState,
        stop_asking: Callable[[], None],
        announce: Callable[[str, str], None],
    ) -> None:
        self.feed: Feed[SessionState] = Feed(SessionState.CHECKING)
        self.trouble: SparkK8sError | None = None
        self._fleet = fleet
        self._stop_asking = stop_asking
        self._announce = announce

    @property
    def state(self) -> SessionState:
        """Where it is now."""
        return self.feed.value

    def move(self, after: SessionState, *before: SessionState) -> bool:
        """Go to a state from one of those before it; False if something else has happened meanwhile."""
        moved = False

        def change(state: SessionState) -> SessionState:
            nonlocal moved
            moved = state in before
            return after if moved else state

        self.feed.update(change)
        return moved

    def lost(self) -> None:
        """The Lease is gone: pods of a dead owner are collected at once, and Spark would make new ones for ever."""
        if not self.move(SessionState.LOST, SessionState.CONNECTING, SessionState.RUNNING):
            return
        lost = SessionLostError(
            "The session's Lease was deleted, and the cluster removed its executors.",
            fix="%sparkk8s scale N revives it.",
        )
        self._judge(lost)
        self._announce(lease_events.LOST, lost.problem)
        self._stop_asking()

    def found(self) -> None:
        """There is a Lease again."""
        self.trouble = None
        self.move(SessionState.RUNNING, SessionState.LOST)

    def driver_gone(self, error: DriverError) -> None:
        """The JVM has died; an end that was wished for is none."""
        if self.move(SessionState.FAILED, *LIVING):
            self._judge(error)
            self._announce(lease_events.DRIVER_FAILED, error.problem)

    def tripped(self, reason: str) -> None:
        """The breaker has tripped: Spark itself would ask for ever."""
        self._fleet.judge(f"Stopped asking for executors: {reason}. After mending it: %sparkk8s scale N.")
        self._announce(lease_events.GIVEN_UP, f"Stopped asking for executors: {reason}.")
        self._stop_asking()

    def _judge(self, trouble: SparkK8sError) -> None:
        """What is wrong with the session itself comes before anything that its executors may lack."""
        self.trouble = trouble
        self._fleet.judge(f"{trouble.problem} {trouble.fix}")
