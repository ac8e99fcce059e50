"""The two threads that tell a session what goes on: its pods, and Spark's own status."""

from __future__ import annotations

import time
from collections.abc import Callable

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.fleet import ExecutorsSeen, PodGone, PodSeen, WatchLost
from sparkk8s_nb.model.fleet import Listed as PodsListed
from sparkk8s_nb.model.labels import executor_selector
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress
from sparkk8s_nb.ports import Driver, PodSource, Stop
from sparkk8s_nb.session.caretaker import Caretaker
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import Worker

BUSY_PERIOD = 0.25
IDLE_PERIOD = 1.0
ANSWERS_WITHIN = 3.0
"""Seconds after a reading during which nobody asks whether the JVM still answers."""

STATUS_STOP_TIMEOUT = 2.0
"""A reading of a JVM that is stuck ends only when the JVM does: stop does not wait for it."""

ENDED_PHASES = frozenset({"Succeeded", "Failed"})


class PodFollower:
    """Feeds pod events into the fleet; thread ``sparkk8s-pods``."""

    def __init__(
        self,
        session: str,
        source: PodSource,
        fleet: FleetState,
        caretaker: Caretaker,
        now: Callable[[], float],
    ) -> None:
        self._selector = executor_selector(session)
        self._source = source
        self._fleet = fleet
        self._caretaker = caretaker
        self._now = now
        self._worker = Worker("pods", self._work, on_death=self._died)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End at once."""
        self._worker.stop(timeout=5)

    def _work(self, stop: Stop) -> None:
        for event in self._source.events(self._selector, stop):
            self._fleet.apply(event)
            match event:
                case PodSeen(pod=pod) if pod.phase in ENDED_PHASES:
                    self._caretaker.bury(pod)
                case PodsListed(pods=pods):
                    for pod in pods:
                        if pod.phase in ENDED_PHASES:
                            self._caretaker.bury(pod)
                case PodGone():
                    self._caretaker.look_at_lease()
            if stop.is_set():
                return

    def _died(self, error: BaseException) -> None:
        self._fleet.apply(WatchLost(problem=f"the pod follower died: {error}", at=self._now()))


class StatusFollower:
    """Reads Spark's status: executors into the fleet, jobs into the cell's progress; ``sparkk8s-status``.

    Parameters
    ----------
    driver : Driver
    fleet : FleetState
    now : callable
        Seconds since the epoch.
    on_driver_gone : callable
        Called once with the error when the JVM is gone; the thread ends then.
    """

    def __init__(
        self,
        driver: Driver,
        fleet: FleetState,
        *,
        now: Callable[[], float],
        on_driver_gone: Callable[[DriverError], None],
    ) -> None:
        self.progress: Feed[Progress] = Feed(Progress())
        self._driver = driver
        self._fleet = fleet
        self._now = now
        self._on_driver_gone = on_driver_gone
        self._cell: CellRef | None = None
        self._read_at = Feed(time.monotonic())
        self._worker = Worker("status", self._work, on_death=self._died)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End at once."""
        self._worker.stop(timeout=STATUS_STOP_TIMEOUT)
        self._read_at.close()
        self.progress.close()

    def answers(self, patience: float) -> bool:
        """Whether the JVM answers: it did a moment ago, or does within ``patience`` seconds.

        Whoever calls into a JVM that is stuck (stopped, thrashing) waits as long as it is: ask here before.
        """

        def lately(read_at: float) -> bool:
            return time.monotonic() - read_at < ANSWERS_WITHIN

        return lately(self._read_at.wait_for(lately, timeout=patience))

    def follow(self, cell: CellRef | None) -> None:
        """From now on the progress is that cell's."""
        self._cell = cell
        self.progress.publish(Progress(cell=cell, as_of=self._now()))

    def read_now(self) -> Progress:
        """One reading on the caller's thread: the final numbers when a cell has ended.

        Spark's listener bus may be a moment behind the job's end: a job still called running after its
        action has returned is read again, for at most half a second.
        """
        for _ in range(10):
            self._read()
            jobs = self.progress.value.jobs
            if not any(job.state is JobState.RUNNING for job in jobs):
                break
        return self.progress.value

    def _work(self, stop: Stop) -> None:
        period = 0.0
        while not stop.wait(period):
            try:
                busy = self._read()
            except DriverError as error:
                if not stop.is_set():
                    self._on_driver_gone(error)
                return
            starting = self._fleet.feed.value.ready < self._fleet.feed.value.wanted
            period = BUSY_PERIOD if busy or starting else IDLE_PERIOD

    def _read(self) -> bool:
        cell = self._cell
        status = self._driver.status((cell.tag,) if cell else ())
        at = self._now()
        self._read_at.publish(time.monotonic())
        self._fleet.apply(ExecutorsSeen(executors=status.executors, at=at))
        if cell is not None and cell is self._cell:
            self.progress.publish(Progress.of(cell, status.jobs, at))
        return cell is not None or _any_running(status.jobs)

    def _died(self, error: BaseException) -> None:
        self._fleet.apply(WatchLost(problem=f"the status follower died: {error}", at=self._now()))


def _any_running(jobs: tuple[JobProgress, ...]) -> bool:
    return any(job.state is JobState.RUNNING for job in jobs)
