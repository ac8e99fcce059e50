"""The thread that tells a session what Spark does: jobs and tasks at 5 Hz, executors' totals at 1 Hz.

While nothing runs it looks every 5 s, and a cell that begins wakes it. Jobs and tasks come from the listener
in the JVM; where that cannot be had, or Spark's bus drops events, from Spark's own status store, and the
progress says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.activity import Activity
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.model.drained import Drained
from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, WatchLost
from sparkk8s_nb.model.progress import CellRef, JobState, Progress
from sparkk8s_nb.model.timeline import Timeline
from sparkk8s_nb.ports import Driver
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

logger = logging.getLogger(__name__)

BUSY_PERIOD = 0.2
IDLE_PERIOD = 5.0
STATUS_PERIOD = 1.0
LATEST_END = 0.5
"""Seconds that the end of a cell waits for the listener bus to deliver the ends of its jobs."""

ANSWERS_WITHIN = IDLE_PERIOD + 1.0
"""Seconds after a reading during which nobody asks whether the JVM still answers."""

STOP_TIMEOUT = 2.0
"""A reading of a JVM that is stuck ends only when the JVM does: stop does not wait for it."""

Callback = Callable[[Progress], object]


class StatusFollower:
    """Reads Spark: executors into the fleet, jobs into progress and cells; thread ``sparkk8s-status``.

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
        self._reading = threading.Lock()
        self._counting = threading.Lock()
        self._wake = threading.Event()
        self._cell: CellRef | None = None
        self._last: CellRef | None = None
        self._activity = Activity()
        self._cells = Cells()
        self._timeline = Timeline()
        self._drained_at = 0.0
        self._status_at = 0.0
        self._read_at = Feed(time.monotonic())
        self._callbacks: dict[object, Callback] = {}
        self._worker = Worker("status", self._work, on_death=self._died)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End at once."""
        self._worker.request_stop()
        self._wake.set()
        self._worker.stop(timeout=STOP_TIMEOUT)
        self._read_at.close()
        self.progress.close()

    @property
    def cells(self) -> Cells:
        """What each cell did, the running one up to its last ended job."""
        return self._cells

    @property
    def activity(self) -> Activity:
        """All jobs that are remembered."""
        return self._activity

    def answers(self, patience: float) -> bool:
        """Whether the JVM answers: it did a moment ago, or does within ``patience`` seconds.

        Whoever calls into a JVM that is stuck (stopped, thrashing) waits as long as it is: ask here before.
        """

        def lately(read_at: float) -> bool:
            return time.monotonic() - read_at < ANSWERS_WITHIN

        if not lately(self._read_at.value):
            self._wake.set()
        return lately(self._read_at.wait_for(lately, timeout=patience))

    def follow(self, cell: CellRef | None) -> None:
        """From now on the progress is that cell's; None when it has ended: its last numbers stay."""
        before, self._cell = self._cell, cell
        self._last = before if cell is None else None
        with self._counting:
            if before is not None:
                self._cells = self._cells.end(before.tag, at=self._now())
            if cell is not None:
                self._cells = self._cells.begin(cell, at=self._now())
                self._timeline = Timeline()
        if cell is not None:
            self.progress.publish(Progress(cell=cell, as_of=self._now()))
        self._wake.set()

    def read_now(self) -> Progress:
        """Readings on the caller's thread until the cell's jobs have ended: its final numbers.

        Spark tells its listeners a moment after an action has returned: a job that is still called running
        is read again, for at most half a second.
        """
        deadline = time.monotonic() + LATEST_END
        while True:
            self._read()
            running = any(job.state is JobState.RUNNING for job in self.progress.value.jobs)
            if not running or time.monotonic() > deadline:
                return self.progress.value
            time.sleep(0.01)

    @contextmanager
    def calling(self, callback: Callback) -> Iterator[None]:
        """Call a user's function with every new progress; one that raises is told of once and dropped."""
        key = object()
        self._callbacks[key] = callback
        try:
            yield
        finally:
            if self.answers(LATEST_END):
                self.read_now()
            self._callbacks.pop(key, None)

    def _work(self, stop: StopFlag) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                busy = self._read()
            except DriverError as error:
                if not stop.is_set():
                    self._on_driver_gone(error)
                return
            if stop.is_set():
                return
            if busy:
                stop.wait(BUSY_PERIOD)
            else:
                self._wake.wait(IDLE_PERIOD)

    def _read(self) -> bool:
        """One reading; whether there is anything to follow closely."""
        with self._reading:
            reading = self._driver.drain()
            if reading is None:
                self._take_status_alone()
            else:
                self._take(reading)
            self._read_at.publish(time.monotonic())
            fleet = self._fleet.feed.value
            return self._cell is not None or self._activity.running > 0 or fleet.ready < fleet.wanted

    def _take(self, reading: Drained) -> None:
        dropped_before = self._activity.lost
        self._activity = self._activity.apply(reading)
        if reading.ended:
            ended = [job for item in reading.ended if (job := self._activity.job(item.id)) is not None]
            with self._counting:
                self._cells = self._cells.with_ended(reading, ended)
        since = reading.at - self._drained_at if self._drained_at else BUSY_PERIOD
        with self._counting:
            self._timeline = self._timeline.add(reading.at, min(since, IDLE_PERIOD), reading.work)
        self._drained_at = reading.at
        dropped = reading.lost > dropped_before
        if dropped or time.monotonic() - self._status_at >= STATUS_PERIOD:
            self._take_executors(self._driver.executors())
            if reading.lost and self._activity.running:
                stages = [stage for job in self._driver.status().jobs for stage in job.stages]
                self._activity = self._activity.corrected(stages)
        cell = self._cell or self._last
        if cell is not None:
            jobs = self._activity.jobs(cell.tag)
            if cell is self._last and not any(job.state is JobState.RUNNING for job in jobs):
                self._last = None  # these are its last numbers
            progress = Progress.of(cell, jobs, self._now(), before=self.progress.value)
            self._publish(progress, missing=_missing(self._activity))

    def _take_executors(self, executors: tuple[ExecutorStatus, ...]) -> None:
        self._status_at = time.monotonic()
        self._fleet.apply(ExecutorsSeen(executors=executors, at=self._now()))

    def _take_status_alone(self) -> None:
        """Without a listener: what the status store says."""
        cell = self._cell
        status = self._driver.status((cell.tag,) if cell else ())
        self._take_executors(status.executors)
        if cell is not None:
            progress = Progress.of(cell, status.jobs, self._now(), before=self.progress.value)
            self._publish(progress, missing=self._driver.without_listener)

    def _publish(self, progress: Progress, *, missing: str) -> None:
        before = self.progress.value
        progress = replace(progress, missing=missing, timeline=self._timeline)
        if progress.jobs == before.jobs and progress.state is not JobState.RUNNING:
            return
        self.progress.publish(progress)
        for key, callback in list(self._callbacks.items()):
            try:
                callback(progress)
            except Exception:
                # Whatever a user's function raises must not end the thread that everything else reads.
                logger.warning("a progress callback raised and is not called again", exc_info=True)
                self._callbacks.pop(key, None)

    def _died(self, error: BaseException) -> None:
        self._fleet.apply(WatchLost(problem=f"the status follower died: {error}", at=self._now()))


def _missing(activity: Activity) -> str:
    if activity.lost:
        return f"Spark dropped {activity.lost} events: counts of running stages come from its status store."
    if activity.dropped:
        return f"{activity.dropped} events were left out: the kernel was too busy to read them."
    return ""
