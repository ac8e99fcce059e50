"""One session: a state machine whose every step pushes its undo.

It knows only Protocols (:mod:`sparkk8s_nb.ports`); :mod:`sparkk8s_nb.session.wiring` gives it the real parts.
What only reads is in :mod:`sparkk8s_nb.session.observed`.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from sparkk8s_nb.errors import DriverError, NotFoundError, SparkK8sError, UsageError
from sparkk8s_nb.model import lease_events
from sparkk8s_nb.model.fleet import WantedChanged
from sparkk8s_nb.model.progress import CellRef
from sparkk8s_nb.model.quantities import format_duration
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.ports import Driver, Keeper
from sparkk8s_nb.session.accounting import Accounting
from sparkk8s_nb.session.announcer import Announcer
from sparkk8s_nb.session.cancelling import cancel_tags, tags_of
from sparkk8s_nb.session.caretaker import Caretaker
from sparkk8s_nb.session.cluster_objects import ClusterObjects
from sparkk8s_nb.session.course import Course
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.followed_cell import FollowedCell
from sparkk8s_nb.session.observed import ObservedSession
from sparkk8s_nb.session.opening import Opening
from sparkk8s_nb.session.parts import Parts
from sparkk8s_nb.session.pod_follower import PodFollower
from sparkk8s_nb.session.scaling import WAITING, Asking, ask_for, wait_for_executors
from sparkk8s_nb.session.status_follower import StatusFollower
from sparkk8s_nb.session.undo import Undo

logger = logging.getLogger(__name__)

STOP_TIMEOUT = 10.0


class Session(ObservedSession):
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
        fleet = FleetState(spec.executors, on_trip=lambda reason: self._course.tripped(reason))
        self._objects = ClusterObjects(spec, parts)
        self._asking = Asking(self._objects)
        self._announcer = Announcer(
            parts.cluster,
            spec,
            lambda: self._objects.lease_uid,
            now=parts.now,
            later=lambda request: self._caretaker.later(request),
        )
        course = Course(fleet, stop_asking=self._asking.stop, announce=self._announcer.say)
        self._accounting = Accounting(fleet, parts.now)
        caretaker = Caretaker(
            parts.cluster,
            self._objects,
            fleet,
            now=parts.now,
            on_lost=course.lost,
            on_look=self._accounting.look,
            on_failed=lambda executor: self._announcer.failed(executor, self.fleet.find(executor)),
        )
        super().__init__(spec, parts, fleet, course, caretaker)
        self._undo = Undo()
        self._keeper: Keeper | None = None
        self._summary = ""
        self._failure = ""
        self._ending = threading.RLock()

    # -- life ---------------------------------------------------------------------------------------

    def introduce(self) -> None:
        """Leave a record on this machine before the start begins: Jupyter's server shows the session from now on."""
        self._objects.leave_record(self.record())

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
            self._accounting.keep(self._keeper)
            self.warnings += opening.checked()
            self._course.move(SessionState.CONNECTING, SessionState.CHECKING)
            opening.lease(self.record(), self._keeper, tell_end=self._tell_end)
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
            took = format_duration(self.start_seconds)
            self._announcer.say(lease_events.STARTED, f"{self.fleet.summary()}; the start took {took}.")
        except BaseException as error:
            self._course.feed.publish(SessionState.FAILED)
            self._start.begin("")
            self._failure = error.problem if isinstance(error, SparkK8sError) else type(error).__name__
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

    # -- what users change --------------------------------------------------------------------------

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

    def cancel(self, cell: int | None = None, *, tag: str = "") -> int:
        """Cancel the jobs of a cell, or all jobs; from any thread. Returns how many were cancelled.

        A cell that waits for one of them ends with :class:`~sparkk8s_nb.errors.JobsCancelledError`. Jobs of
        threads and thread pools that a cell started are the cell's, also when it has ended itself, and are
        cancelled with it; the stop button does the same. Streaming queries are no cell's: they go on, unless
        all jobs are cancelled.

        Parameters
        ----------
        cell : int, optional
            Its execution count, the number in its brackets. A cell that a subshell ran beside it may have the
            same: both are meant.
        tag : str
            The job tag of one execution (:attr:`CellMetrics.tag`), in place of ``cell``: that one alone is meant.

        Raises
        ------
        UsageError
            If no such cell ran in the session.
        """
        driver = self._running_driver()
        if tag:
            return cancel_tags(driver, (tag,))
        return driver.cancel_all() if cell is None else cancel_tags(driver, tags_of(self.cells, cell))

    def show_progress(self, wanted: bool) -> None:
        """Whether cells show their progress from now on."""
        self.spec = replace(self.spec, progress=wanted)

    def follow_cell(self, cell: CellRef, *, beside: bool = False) -> FollowedCell:
        """A cell begins: from now on the progress is its own; beside the main one, on a feed of its own."""
        return self._follower().follow(cell, beside=beside)

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

    def _tell_end(self) -> None:
        """Write the last Event, before the Lease goes."""
        if self.fleet.stale:
            return  # an API server that does not answer would only hold up the end
        if self._failure:
            self._announcer.write_last(lease_events.START_FAILED, self._failure)
        else:
            self._announcer.write_last(lease_events.STOPPED, f"After {self._ran()}.")

    def _close(self) -> list[str]:
        try:
            return self._undo.run()
        finally:
            self._closed = True
            for feed in (self._fleet.feed, self._course.feed):
                feed.close()

    def _ran(self) -> str:
        """How long, with how much."""
        return f"{format_duration(self.seconds)}, {self._fleet.usage(self._parts.now()).sentence()}"

    def _describe_end(self, failures: list[str]) -> str:
        ran = self._ran()
        if failures:
            return f"Stopped, but {'; '.join(failures)}. ({ran})"
        return f"Stopped after {ran}. Nothing left."
