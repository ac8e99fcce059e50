"""The thread that tells a session what Spark does: jobs and tasks at 5 Hz, executors' totals at 1 Hz.

While nothing runs it looks every 5 s (every second beside a streaming query), and a cell that begins wakes
it; in the cell's first moment it looks more often, so that its first job is seen at once. Jobs and tasks come
from the listener in the JVM; where that cannot be had, or Spark's bus drops events, from Spark's own status
store, and the progress says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.activity import Activity
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.model.drained import Drained
from sparkk8s_nb.model.fleet import ExecutorsSeen, ExecutorStatus, WatchLost
from sparkk8s_nb.model.progress import CellRef, JobState, Progress
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.ports import Driver, SparkStatus
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.followed_cell import FollowedCell
from sparkk8s_nb.session.progress_calls import Callback, called_with
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

FIRST_PERIOD = 0.03
FIRST_MOMENT = 0.5
"""Seconds of a cell in which its first job is looked for every ``FIRST_PERIOD``."""

BUSY_PERIOD = 0.2
IDLE_PERIOD = 5.0
STATUS_PERIOD = 1.0
LATEST_END = 0.5
"""Seconds that the end of a cell waits for the listener bus to deliver the ends of its jobs."""

ANSWERS_WITHIN = IDLE_PERIOD + 1.0
"""Seconds after a reading during which nobody asks whether the JVM still answers."""

SETTLES = 10.0
"""Seconds after a cell's end for which the status store is still asked for its jobs."""

STOP_TIMEOUT = 2.0
"""A reading of a JVM that is stuck ends only when the JVM does: stop does not wait for it."""


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
        self.streams: Feed[Streams] = Feed(Streams())
        self._driver = driver
        self._fleet = fleet
        self._now = now
        self._on_driver_gone = on_driver_gone
        self._reading = threading.Lock()
        self._counting = threading.Lock()
        self._wake = threading.Event()
        self._followed: tuple[FollowedCell, ...] = ()
        self._activity = Activity()
        self._cells = Cells()
        self._drained_at = 0.0
        self._status_at = 0.0
        self._read_at = Feed(time.monotonic())
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
        self.streams.close()
        for progress in (self.progress, *(followed.feed for followed in self._followed)):
            progress.close()

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

    def follow(self, cell: CellRef, *, beside: bool = False) -> FollowedCell:
        """A cell begins.

        Parameters
        ----------
        cell : CellRef
        beside : bool
            Whether it runs beside the main one: its progress then has a feed of its own, not
            :attr:`progress`.
        """
        feed = Feed(Progress()) if beside else self.progress
        followed = FollowedCell(cell, feed, self._activity, read=self.read_now, leave=self._leave)
        at = self._now()
        with self._counting:
            for other in self._followed:
                if other.feed is feed:
                    self._cells = self._cells.end(other.cell.tag, at=at)
            self._followed = (*(other for other in self._followed if other.feed is not feed), followed)
            self._cells = self._cells.begin(cell, at=at)
        feed.publish(Progress(cell=cell, streams=self.streams.value, as_of=at))
        self._wake.set()
        return followed

    def _leave(self, followed: FollowedCell) -> None:
        """A cell has ended: its last numbers stay."""
        with self._counting:
            if followed not in self._followed or followed.over:
                return
            followed.over = True
            self._cells = self._cells.end(followed.cell.tag, at=self._now())
        if followed.feed is not self.progress:
            self._forget(followed)
            followed.feed.close()
        self._wake.set()

    def _forget(self, followed: FollowedCell) -> None:
        with self._counting:
            self._followed = tuple(other for other in self._followed if other is not followed)

    def read_now(self, feed: Feed[Progress] | None = None) -> Progress:
        """Readings on the caller's thread until a cell's jobs have ended: its final numbers.

        Spark tells its listeners a moment after an action has returned: a job that is still called running
        is read again, for at most half a second.

        Parameters
        ----------
        feed : Feed of Progress, optional
            The cell's; :attr:`progress` if not given.
        """
        feed = feed or self.progress
        deadline = time.monotonic() + LATEST_END
        while True:
            self._read()
            running = any(job.state is JobState.RUNNING for job in feed.value.jobs)
            if not running or time.monotonic() > deadline:
                return feed.value
            time.sleep(0.01)

    def calling(self, callback: Callback) -> AbstractContextManager[None]:
        """Call a user's function with every new progress, on a thread of its own."""

        def last_numbers() -> None:
            if self.answers(LATEST_END):
                self.read_now()

        return called_with(self.progress, callback, before_end=last_numbers)

    def _work(self, stop: StopFlag) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                period = self._read()
            except DriverError as error:
                if not stop.is_set():
                    self._on_driver_gone(error)
                return
            if stop.is_set():
                return
            self._wake.wait(period)

    def _read(self) -> float:
        """One reading; returns the seconds until the next one."""
        with self._reading:
            reading = self._driver.drain()
            if reading is None:
                self._take_status_alone()
            else:
                self._take(reading)
            self._read_at.publish(time.monotonic())
            fleet = self._fleet.feed.value
            if self._looks_for_first_job:
                return FIRST_PERIOD
            if self._at_work or self._activity.busy or fleet.ready < fleet.wanted:
                return BUSY_PERIOD
            return STATUS_PERIOD if self._activity.streams.running else IDLE_PERIOD

    @property
    def _at_work(self) -> bool:
        """Whether a cell runs."""
        return any(not followed.over for followed in self._followed)

    @property
    def _looks_for_first_job(self) -> bool:
        """Whether a cell has just begun and had no job yet."""
        since = time.monotonic() - FIRST_MOMENT
        return any(
            not (followed.over or followed.feed.value.jobs) and followed.begun_at > since
            for followed in self._followed
        )

    def _take(self, reading: Drained) -> None:
        activity = self._activity.apply(reading)
        dropped = reading.lost > self._activity.lost
        due = time.monotonic() - self._status_at >= STATUS_PERIOD
        if dropped or due:
            self._take_executors(self._driver.executors())
        if dropped or (reading.lost and (due or reading.ended) and (self._followed or activity.running)):
            status = self._ask_status(activity)
            activity = activity.with_status(status.jobs, status.streams, at=self._now())
        since = reading.at - self._drained_at if self._drained_at else BUSY_PERIOD
        self._drained_at = reading.at
        for followed in self._followed:
            followed.take_work(reading, min(since, IDLE_PERIOD))
        self._tell(activity)

    def _take_status_alone(self) -> None:
        """Without a listener: what the status store says."""
        status = self._ask_status(self._activity)
        self._take_executors(status.executors)
        activity = self._activity.with_status(status.jobs, status.streams, at=self._now())
        self._tell(activity)

    def _ask_status(self, activity: Activity) -> SparkStatus:
        """The jobs of cells that run or ran a moment ago, and of those that seem to run."""
        tags = self._cells.tags_since(self._now() - SETTLES)
        return self._driver.status(tags, activity.running, streams=bool(activity.streams))

    def _take_executors(self, executors: tuple[ExecutorStatus, ...]) -> None:
        self._status_at = time.monotonic()
        self._fleet.apply(ExecutorsSeen(executors=executors, at=self._now()))

    def _tell(self, activity: Activity) -> None:
        """Count what has ended to its cells, and publish what is new."""
        before, self._activity = self._activity, activity
        if ended := activity.ended_since(before):
            began = min((one.began for one in self._followed), key=lambda one: one.lost, default=before)
            with self._counting:
                self._cells = self._cells.with_jobs(ended, missing=self._missing(began))
        if activity.streams != self.streams.value:
            self.streams.publish(activity.streams)
        for followed in self._followed:
            followed.tell(activity, self._now(), missing=self._missing(followed.began))
            jobs = activity.jobs(followed.cell.tag)
            if followed.over and not any(job.state is JobState.RUNNING for job in jobs):
                self._forget(followed)  # these are its last numbers

    def _missing(self, began: Activity) -> str:
        """Why numbers may be short of what was begun then; empty if they are not."""
        now = self._activity
        lost, dropped, mended = now.lost - began.lost, now.dropped - began.dropped, now.mended - began.mended
        if self._driver.without_listener:
            return self._driver.without_listener
        if lost:
            jobs = f" and the begins or ends of {mended} jobs" if mended else ""
            return f"Spark dropped {lost} events: counts of stages{jobs} come from its status store."
        if dropped:
            return f"{dropped} events were left out: the kernel was too busy to read them."
        return ""

    def _died(self, error: BaseException) -> None:
        self._fleet.apply(WatchLost(problem=f"the status follower died: {error}", at=self._now()))
