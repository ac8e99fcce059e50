"""What a session does about its executors in the background.

One worker with a bounded queue of chores, so that neither the pod follower nor the status follower ever
waits for the API server: burying dead pods (their log is kept, then the pod is deleted), looking whether
the Lease is still ours, asking why no pods come, and what those wait for that do not start.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum

from sparkk8s_nb.errors import ClusterError, ConflictError, ConnectError, RefusedError
from sparkk8s_nb.model.fleet import DEAD_KEPT, CreationRefused, Phase, PodEventsSeen, PodView
from sparkk8s_nb.ports import Cluster, Stop
from sparkk8s_nb.session.cluster_objects import ClusterObjects
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.telemetry.worker import Worker

logger = logging.getLogger(__name__)

LOG_LINES = 200
LOOK_EVERY = 2.0
LEASE_EVERY = 120.0
"""A Lease that is gone takes the executors along, and the first pod that goes has it looked at: this is for the
session whose cluster has no collector at work. Each look is a request of an idle session; one that fails is not
made up for: after an outage all sessions would look at once."""
CHORES = 1000
MARK_WITHIN = 10.0
EVENTS_EVERY = 4.0
EVENTS_OF = 3
ASK_AT_MOST_EVERY = 60.0
"""What has waited long is asked about ever less often: it may wait for hours, and each question is a request."""


class Chore(StrEnum):
    """What may have to be looked at."""

    LEASE = "lease"
    STOP = "stop"


class _Pace:
    """When to ask again about what does not change: after a time, then after half as long again, and so on."""

    def __init__(self, every: float) -> None:
        self._first = self._every = every
        self._asked: float | None = None

    def begin(self) -> None:
        """Something has changed: from now on it is asked as often as at first."""
        self._every = self._first

    def due(self, now: float) -> bool:
        """Whether to ask now; then that has been done."""
        if self._asked is not None and now - self._asked < self._every:
            return False
        if self._asked is not None:
            self._every = min(ASK_AT_MOST_EVERY, 1.5 * self._every)
        self._asked = now
        return True


class Caretaker:
    """Buries dead executors, watches the Lease, finds out why pods are refused.

    Parameters
    ----------
    cluster : Cluster
    objects : ClusterObjects
    fleet : FleetState
    now : callable
        Seconds since the epoch.
    on_lost : callable
        Called once each time the Lease turns out to be gone or another's.
    on_look : callable
        Called at each look around, every few seconds; must not wait.
    on_failed : callable
        Called once for each executor that has failed, by its id.
    """

    def __init__(
        self,
        cluster: Cluster,
        objects: ClusterObjects,
        fleet: FleetState,
        *,
        now: Callable[[], float],
        on_lost: Callable[[], None],
        on_look: Callable[[], None] = lambda: None,
        on_failed: Callable[[str], None] | None = None,
    ) -> None:
        self._cluster = cluster
        self._objects = objects
        self._fleet = fleet
        self._now = now
        self._on_lost = on_lost
        self._on_look = on_look
        self._on_failed = on_failed
        self._chores: queue.Queue[PodView | Chore | Callable[[], object]] = queue.Queue(CHORES)
        self._lock = threading.Lock()
        self._logs: OrderedDict[str, str] = OrderedDict()
        self._last_failed = ""
        self._told: set[str] = set()
        self._unmarked: dict[str, tuple[PodView, float]] = {}
        self._worker = Worker("caretaker", self._work, on_death=self._died)
        self._lost = False
        self._lease_due = self._next_look()
        self._short = 0
        self._why_none_come = _Pace(LOOK_EVERY)
        self._waiting: frozenset[str] = frozenset()
        self._what_they_wait_for = _Pace(EVENTS_EVERY)
        self._events_refused = False

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End at once."""
        self._put(Chore.STOP)
        self._worker.stop(timeout=5)

    def bury(self, pod: PodView) -> None:
        """Keep an ended pod's log, then delete the pod, which Spark does not (deleteOnTermination=false).

        Spark first marks the pod as seen (label ``spark-exec-inactive``); one that is deleted before fails
        its bookkeeping. A pod that it does not mark, since it never knew it, goes a little later.
        """
        self._put(pod)

    def later(self, request: Callable[[], object]) -> None:
        """Send a request to the API server from the worker; again, if it does not answer."""
        self._put(request)

    def look_at_lease(self) -> None:
        """A pod went: perhaps the Lease did."""
        self._put(Chore.LEASE)

    def log_of(self, executor: str) -> str:
        """The last lines of an ended executor's log, by id; empty if none is kept."""
        with self._lock:
            return self._logs.get(executor, "")

    @property
    def last_log(self) -> str:
        """The log of the executor that failed last."""
        with self._lock:
            return self._logs.get(self._last_failed, "")

    def found_again(self) -> None:
        """There is a Lease again."""
        self._lost = False

    def _put(self, chore: PodView | Chore | Callable[[], object]) -> None:
        try:
            self._chores.put_nowait(chore)
        except queue.Full:
            # The next look finds what this one would have: dead pods are listed again, the Lease is read.
            logger.debug("too many chores; %s is left out", chore)

    def _work(self, stop: Stop) -> None:
        while not stop.is_set():
            try:
                chore = self._chores.get(timeout=LOOK_EVERY)
            except queue.Empty:
                chore = None
            if chore is Chore.STOP:
                return
            try:
                self.do(chore)
            except ConnectError:
                logger.debug("the API server does not answer", exc_info=True)
                if chore is not None:
                    self._put(chore)
                stop.wait(LOOK_EVERY)
            except ClusterError:
                logger.debug("chore %s failed", chore, exc_info=True)

    def do(self, chore: PodView | Chore | Callable[[], object] | None) -> None:
        """Do one chore, or with None look around; what the worker calls.

        Raises
        ------
        ClusterError
        """
        if isinstance(chore, PodView):
            self._keep_log(chore)
            self._tell_failure(chore)
            if chore.marked:
                self._delete(chore)
            else:
                self._unmarked.setdefault(chore.uid, (chore, self._now()))
        elif callable(chore):
            chore()
        elif chore is Chore.LEASE or self._now() >= self._lease_due:
            self._check_lease()
        if chore is None:
            self._on_look()
            self._delete_unmarked()
            if not self._lost:
                self._ask_why_none_come()
                self._ask_what_they_wait_for()

    def _keep_log(self, pod: PodView) -> None:
        if pod.executor in self._logs:
            return
        try:
            log = self._cluster.pod_log(pod.name, tail=LOG_LINES)
        except ConnectError:
            raise
        except ClusterError:
            # Deleted meanwhile, or logs are not ours to read: the pod is buried without.
            logger.debug("no log of %s", pod.name, exc_info=True)
            return
        with self._lock:
            self._logs[pod.executor] = log
            if pod.phase == "Failed":
                self._last_failed = pod.executor
            while len(self._logs) > DEAD_KEPT:
                self._logs.popitem(last=False)

    def _tell_failure(self, pod: PodView) -> None:
        """Once for each pod, whether or not its log may be read."""
        if pod.phase == "Failed" and pod.uid not in self._told and self._on_failed is not None:
            self._told.add(pod.uid)
            self._on_failed(pod.executor)

    def _delete(self, pod: PodView) -> None:
        try:
            self._cluster.delete("Pod", pod.name, uid=pod.uid, grace=0)
        except ConflictError:
            # The name is another pod's by now: the one that we meant is gone.
            logger.debug("%s is another pod now", pod.name)
        self._unmarked.pop(pod.uid, None)

    def _delete_unmarked(self) -> None:
        for pod, since in list(self._unmarked.values()):
            if self._now() - since > MARK_WITHIN:
                self._delete(pod)

    def _check_lease(self) -> None:
        if self._lost:
            return
        self._lease_due = self._next_look()
        if not self._objects.lease_is_ours():
            self._lost = True
            self._on_lost()

    def _next_look(self) -> float:
        """Up to a quarter later than its time: sessions that were started together do not look together."""
        spread = random.uniform(1.0, 1.25)  # noqa: S311 (spreads load, guards nothing)
        return self._now() + LEASE_EVERY * spread

    def _ask_why_none_come(self) -> None:
        """Executors are wanted and none is made: the API server says why to a dry run.

        Spark's backend only writes refusals into the driver's log.
        """
        before, self._short = self._short, self._fleet.feed.value.asked
        if not self._short or self._fleet.tripped or self._short < before or not before:
            self._why_none_come.begin()  # none is missing, or some have come, or it is the first look
            return
        if self._short > before:
            self._why_none_come.begin()  # more are wanted than before: what was answered then may not hold
        if not self._why_none_come.due(self._now()):
            return
        try:
            self._objects.probe()
        except ConnectError:
            raise
        except ClusterError as error:
            self._fleet.apply(CreationRefused(message=error.problem, at=self._now()))

    def _ask_what_they_wait_for(self) -> None:
        """The Events of the first few executors that are pending; the others wait for the same."""
        pending = [view for view in self._fleet.feed.value.executors if view.phase is Phase.PENDING]
        before, self._waiting = self._waiting, frozenset(view.id for view in pending)
        if self._waiting != before:
            self._what_they_wait_for.begin()
        if not pending or self._events_refused or not self._what_they_wait_for.due(self._now()):
            return
        for view in pending[:EVENTS_OF]:
            try:
                events = self._cluster.pod_events(view.pod)
            except RefusedError:
                logger.debug("events are not ours to read", exc_info=True)
                self._events_refused = True
                return
            self._fleet.apply(PodEventsSeen(executor=view.id, events=tuple(events), at=self._now()))

    def _died(self, error: BaseException) -> None:
        self._fleet.judge(f"The session's caretaker died ({error}): %sparkk8s stop, then start again.")
