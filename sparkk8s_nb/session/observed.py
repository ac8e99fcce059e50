"""What can be asked of a session: nothing here changes it, nor anything outside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.model.cells import Cells
from sparkk8s_nb.model.diagnosis import Verdict, diagnose
from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.model.record import SessionRecord
from sparkk8s_nb.model.spec import SessionSpec
from sparkk8s_nb.model.state import SessionState
from sparkk8s_nb.model.streams import Streams
from sparkk8s_nb.ports import Driver
from sparkk8s_nb.session.caretaker import Caretaker
from sparkk8s_nb.session.course import Course
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.session.parts import Parts
from sparkk8s_nb.session.progress_calls import Callback
from sparkk8s_nb.session.session_dir import SessionDir
from sparkk8s_nb.session.start_phases import StartPhases
from sparkk8s_nb.session.status_follower import StatusFollower
from sparkk8s_nb.telemetry.feed import Feed

ANSWER_PATIENCE = 5.0


class ObservedSession:
    """The readable side of a session: where it is, what its executors and jobs do, and why something lacks.

    Parameters
    ----------
    spec : SessionSpec
    parts : Parts
    fleet : FleetState
    course : Course
    caretaker : Caretaker
        Keeps the logs of dead executors.
    """

    def __init__(
        self, spec: SessionSpec, parts: Parts, fleet: FleetState, course: Course, caretaker: Caretaker
    ) -> None:
        self.spec = spec
        self.warnings: list[str] = []
        self._parts = parts
        self._fleet = fleet
        self._course = course
        self._caretaker = caretaker
        self._start = StartPhases(fleet, parts.now)
        self._started = parts.now()
        self._driver: Driver | None = None
        self._status: StatusFollower | None = None
        self._closed = False

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""
        return self._course.state

    @property
    def state_feed(self) -> Feed[SessionState]:
        """Where the session is in its life, live."""
        return self._course.feed

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
            kernel=parts.kernel.id,
        )

    def why(self) -> Verdict | None:
        """The one cause that keeps the fleet from being what was asked for, with its fix; None if all is well."""
        trouble = self._course.trouble
        if trouble is not None:
            return Verdict(problem=trouble.problem, fix=trouble.fix)
        return diagnose(self.fleet, now=self._parts.now(), log=self._caretaker.last_log)

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

    def answers(self) -> bool:
        """Whether the driver's JVM answers; waits a few seconds for one that did not lately."""
        return self._status is None or self._status.answers(ANSWER_PATIENCE)

    @property
    def driver(self) -> Driver:
        """The driver, for those who tag jobs."""
        return self._running_driver()

    def _follower(self) -> StatusFollower:
        if self._status is None:
            raise SessionError("The session has no driver yet.", fix="Wait for the start to end.")
        return self._status

    def _running_driver(self) -> Driver:
        if self._driver is None or self.state.over:
            raise SessionError("The session does not run.", fix="Start one with %sparkk8s start.")
        return self._driver
