"""One session: a state machine whose every step pushes its undo.

It knows only Protocols (:mod:`sparkk8s_nb.ports`); :mod:`sparkk8s_nb.session.wiring` gives it the real parts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from sparkk8s_nb.errors import DriverError, NotFoundError, SessionError, UsageError
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.model.diagnosis import Verdict, diagnose
from sparkk8s_nb.model.fleet import Fleet, WantedChanged
from sparkk8s_nb.model.progress import CellRef, Progress
from sparkk8s_nb.model.quantities import format_duration
from sparkk8s_nb.model.record import SessionRecord
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.ports import Driver, Keeper
from sparkk8s_nb.session.cancelling import cancel_cell
from sparkk8s_nb.session.caretaker import Caretaker
from sparkk8s_nb.session.cluster_objects import ClusterObjects
from sparkk8s_nb.session.course import Course
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.followed_cell import FollowedCell
from sparkk8s_nb.session.opening import Opening
from sparkk8s_nb.session.parts import Parts
from sparkk8s_nb.session.pod_follower import PodFollower
from sparkk8s_nb.session.progress_calls import Callback
from sparkk8s_nb.session.scaling import WAITING, Asking, ask_for, wait_for_executors
from sparkk8s_nb.session.session_dir import SessionDir
from sparkk8s_nb.session.start_phases import StartPhases
from sparkk8s_nb.session.status_follower import StatusFollower
from sparkk8s_nb.session.undo import Undo
from sparkk8s_nb.telemetry.feed import Feed

logger = logging.getLogger(__name__)

STOP_TIMEOUT = 10.0
ANSWER_PATIENCE = 5.0


class Session:
    """A running Spark with its fleet. Made by ``sparkk8s_nb.start()`` or ``%sparkk8s start``.

    Examples
    --------
    >>> import sparkk8s_nb as sk                                            # doctest: +SKIP
    >>> with sk.start(executors=2) as session:                              # doctest: +SKIP
    ...     session.spark.range(100).count()
    ...     session.scale(4)
    100
    """

    def __init__(self, spec: SessionSpec, parts: Parts) -> None:
        self.spec = spec
        self._parts = parts
        self._undo = Undo()
        self._fleet = FleetState(spec.executors, on_trip=lambda reason: self._course.tripped(reason))
        self._start = StartPhases(self._fleet, parts.now)
        self._objects = ClusterObjects(spec, parts)
        self._asking = Asking(self._objects)
        self._course = Course(self._fleet, stop_asking=self._asking.stop)
        self._caretaker = Caretaker(
            parts.cluster, self._objects, self._fleet, now=parts.now, on_lost=self._course.lost
        )
        self._driver: Driver | None = None
        self._status: StatusFollower | None = None
        self._keeper: Keeper | None = None
        self._started = parts.now()
        self._summary = ""
        self._ending = threading.RLock()
        self._closed = False
        self.warnings: list[str] = []

    # -- life ---------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start everything and wait for the executors that ``spec.wait`` names.

        Raises
        ------
        SparkK8sError
            After everything that was made has been undone.
        """
        opening = Opening(self.spec, self._parts, self._undo, self._objects, self._start.begin)
        try:
            self._keeper, launching = opening.processes()
            self.warnings += opening.checked()
            self._course.move(SessionState.CONNECTING, SessionState.CHECKING)
            opening.lease(self.record(), self._keeper)
            self._follow_pods()
            self._driver = opening.driver(launching)
            self._undo.push("stop Spark", self._stop_driver)
            self.warnings += self._driver.warnings
            self._driver.hook(self.stop)
            self._asking.reach(self._driver)
            self._follow_status(self._driver)
            self._start.begin(WAITING)
            self._objects.write_record(self.record())
            self._course.move(SessionState.RUNNING, SessionState.CONNECTING)
            self.warnings += wait_for_executors(
                self.spec,
                self._fleet,
                ended=lambda: self._course.trouble is not None,
                why=self.why,
                say=self._start.reword,
            )
            self.warnings += [f"Going on without {thing}." for thing in self._objects.without]
            self._start.begin("")
        except BaseException as error:
            self._course.feed.publish(SessionState.FAILED)
            for failure in self._close():
                logger.warning("the start was not undone whole: %s", failure)
                error.add_note(f"Not undone: {failure}.")
            raise

    def stop(self) -> str:
        """Stop Spark and remove everything; returns the summary. A second call only returns it again."""
        with self._ending:
            if self.state in {SessionState.STOPPING, SessionState.STOPPED}:
                return self._summary
            self._course.feed.publish(SessionState.STOPPING)
            try:
                self._summary = self._describe_end(self._close())
            finally:
                self._course.feed.publish(SessionState.STOPPED)
            return self._summary

    def abandon(self) -> None:
        """The interpreter exits: the keeper cleans up; nothing here waits."""
        if self._keeper is not None and not self._closed:
            self._keeper.finish()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    # -- what users ask -----------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""
        return self._course.state

    @property
    def closed(self) -> bool:
        """Whether everything has been undone."""
        return self._closed

    @property
    def spark(self) -> Any:
        """The SparkSession."""
        return self._running_driver().spark

    @property
    def fleet(self) -> Fleet:
        """The executors, as of now."""
        return self._fleet.feed.value

    @property
    def fleet_feed(self) -> Feed[Fleet]:
        """The executors, live."""
        return self._fleet.feed

    @property
    def progress(self) -> Progress:
        """The running cell's jobs (or the last one's), as of now."""
        return self._status.progress.value if self._status else Progress()

    @property
    def cells(self) -> Cells:
        """What each cell did with Spark, the newest last: ``session.cells[-1].metrics.shuffle_written``."""
        return self._status.cells if self._status else Cells()

    @property
    def streams(self) -> Streams:
        """The streaming queries, as of now: ``session.streams[-1].batches``; they are no cell's."""
        return self._status.streams.value if self._status else Streams()

    @property
    def streams_feed(self) -> Feed[Streams]:
        """The streaming queries, live."""
        return self._follower().streams

    def on_progress(self, callback: Callback) -> AbstractContextManager[None]:
        """Call a function with every new progress, on a thread of its own, while the block runs.

        One call at a time, with the newest value; none begins after the block has ended. A function that
        raises is not called again: the end of the block warns of it (RuntimeWarning), in that cell.

        Examples
        --------
        >>> with session.on_progress(lambda progress: print(progress.line())):      # doctest: +SKIP
        ...     session.spark.range(10**9).count()
        """
        return self._follower().calling(callback)

    @property
    def progress_feed(self) -> Feed[Progress]:
        """The running cell's jobs, live."""
        return self._follower().progress

    @property
    def seconds(self) -> float:
        """How long the session has lived."""
        return self._parts.now() - self._started

    @property
    def start_seconds(self) -> float:
        """How long the start took, or has taken until now."""
        return self._start.seconds

    @property
    def phases(self) -> Sequence[tuple[str, float]]:
        """What the start did and when it began with it, on a clock that is never set; the last one is empty."""
        return self._start.begun

    def now(self) -> float:
        """The session's clock, seconds since the epoch."""
        return self._parts.now()

    @property
    def place(self) -> SessionDir:
        """The session's files on this machine."""
        return self._parts.place

    def record(self) -> SessionRecord:
        """What others may know of the session."""
        driver = self._driver
        spec, parts = self.spec, self._parts
        return SessionRecord(
            name=spec.name,
            owner=spec.owner,
            notebook=spec.notebook,
            namespace=spec.target.namespace,
            holder=parts.kernel.holder,
            app_id=driver.app_id if driver else "",
            executors=self.fleet.wanted,
            cores=spec.executor.cores,
            memory=spec.executor.memory,
            started=self._started,
            options=parts.kernel.options,
            ui_url=driver.ui_url if driver else "",
            ui_key_file=str(parts.place.ui_key),
        )

    def why(self) -> Verdict | None:
        """The one cause that keeps the fleet from being what was asked for, with its fix; None if all is well."""
        trouble = self._course.trouble
        if trouble is not None:
            return Verdict(problem=trouble.problem, fix=trouble.fix)
        return diagnose(self.fleet, now=self._parts.now(), log=self._caretaker.last_log)

    def scale(self, executors: int) -> None:
        """Have that many executors from now on; a session whose Lease was deleted is revived.

        Those that wait go first, then idle ones; busy ones are decommissioned after their tasks.

        Raises
        ------
        UsageError, DriverError, ClusterError
        """
        if executors < 1:
            raise UsageError(
                f"A session cannot have {executors} executors.",
                fix="Scale to at least 1, or stop the session.",
            )
        driver = self._running_driver()
        if self.state is SessionState.LOST:
            self._revive()
        self.spec = replace(self.spec, executors=executors)
        self._fleet.judge("")
        self._fleet.apply(WantedChanged(wanted=executors, at=self._parts.now()))
        ask_for(driver, self._parts.cluster, self.fleet, executors)
        try:
            self._objects.write_record(self.record())
        except NotFoundError as error:
            self._course.lost()
            raise self._course.trouble or error from error

    def log_of(self, executor: str, tail: int) -> str:
        """The last lines of an executor's log, a dead one's too.

        Raises
        ------
        SessionError
            If there is no such executor.
        """
        view = self.fleet.find(executor)
        kept = self._caretaker.log_of(view.id if view else executor)
        if kept:
            return "\n".join(kept.splitlines()[-tail:])
        if view is None:
            known = ", ".join(row.id for row in self.fleet.executors) or "none"
            raise SessionError(f"There is no executor {executor}.", fix=f"Executors are: {known}.")
        return self._parts.cluster.pod_log(view.pod, tail=tail)

    def cancel(self, cell: int | None = None) -> int:
        """Cancel the jobs of a cell, or all jobs; from any thread. Returns how many were cancelled.

        A cell that waits for one of them ends with :class:`~sparkk8s_nb.errors.JobsCancelledError`. Jobs of
        threads and thread pools that a cell started are the cell's, also when it has ended itself, and are
        cancelled with it; the stop button does the same. Streaming queries are no cell's: they go on, unless
        all jobs are cancelled.

        Parameters
        ----------
        cell : int, optional
            Its execution count, the number in its brackets.

        Raises
        ------
        UsageError
            If no such cell ran in the session.
        """
        driver = self._running_driver()
        return driver.cancel_all() if cell is None else cancel_cell(driver, self.cells, cell)

    def show_progress(self, wanted: bool) -> None:
        """Whether cells show their progress from now on."""
        self.spec = replace(self.spec, progress=wanted)

    def follow_cell(self, cell: CellRef, *, beside: bool = False) -> FollowedCell:
        """A cell begins: from now on the progress is its own; beside the main one, on a feed of its own."""
        return self._follower().follow(cell, beside=beside)

    def answers(self) -> bool:
        """Whether the driver's JVM answers; waits a few seconds for one that did not lately."""
        return self._status is None or self._status.answers(ANSWER_PATIENCE)

    @property
    def driver(self) -> Driver:
        """The driver, for those who tag jobs."""
        return self._running_driver()

    # -- what happens -------------------------------------------------------------------------------

    def _follow_pods(self) -> None:
        self._caretaker.start()
        self._undo.push("stop the caretaker", self._caretaker.stop)
        follower = PodFollower(
            self.spec.name, self._parts.pods, self._fleet, self._caretaker, self._parts.now
        )
        follower.start()
        self._undo.push("stop following pods", follower.stop)

    def _follow_status(self, driver: Driver) -> None:
        self._status = StatusFollower(
            driver, self._fleet, now=self._parts.now, on_driver_gone=self._course.driver_gone
        )
        self._status.start()
        self._undo.push("stop following Spark", self._status.stop)

    def _follower(self) -> StatusFollower:
        if self._status is None:
            raise SessionError("The session has no driver yet.", fix="Wait for the start to end.")
        return self._status

    def _running_driver(self) -> Driver:
        if self._driver is None or self.state.over:
            raise SessionError("The session does not run.", fix="Start one with %sparkk8s start.")
        return self._driver

    def _revive(self) -> None:
        """Make the Lease and what it owns anew; Spark reads the template for every pod it makes."""
        if not self._objects.lease_is_ours():
            uid = self._objects.remake_lease(self.record())
            if self._keeper is not None:
                self._keeper.lease(self.spec.name, uid)
        self._objects.remake_owned()
        self._caretaker.found_again()
        self._course.found()

    def _stop_driver(self) -> None:
        if self._driver is None:
            return
        gone = isinstance(self._course.trouble, DriverError)
        stopped = self._driver.stop(STOP_TIMEOUT)
        if not stopped and not gone and self.state is SessionState.STOPPING:
            raise DriverError(
                f"it did not end within {STOP_TIMEOUT:.0f} s, so its JVM was ended", fix="Nothing to do."
            )

    def _close(self) -> list[str]:
        try:
            return self._undo.run()
        finally:
            self._closed = True
            for feed in (self._fleet.feed, self._course.feed):
                feed.close()

    def _describe_end(self, failures: list[str]) -> str:
        usage = self._fleet.usage(self._parts.now())
        executors = "1 executor" if usage.executors == 1 else f"{usage.executors} executors"
        cost = f"{usage.core_hours:.2f} core-hours, {usage.gib_hours:.2f} GiB-hours"
        ran = f"{format_duration(self.seconds)}, {executors}, {cost}"
        if failures:
            return f"Stopped, but {'; '.join(failures)}. ({ran})"
        return f"Stopped after {ran}. Nothing left."
