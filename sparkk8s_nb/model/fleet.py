"""The fleet: what is known of a session's executors, folded from pod events and Spark's own status.

Two sources tell about an executor: its pod (phase, node, reasons) and Spark (cores in use, task counts).
Each has its own event; :meth:`Fleet.apply` joins them by executor id. The fold is pure: time is in the
events, as seconds since the epoch. The ordered tuple of views is made when it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sparkk8s_nb.model.executors import (
    CreationRefused,
    ExecutorLoad,
    ExecutorsSeen,
    ExecutorStatus,
    ExecutorView,
    FleetEvent,
    Listed,
    Phase,
    PodEvent,
    PodEventsSeen,
    PodGone,
    PodSeen,
    PodView,
    TaskCounts,
    WantedChanged,
    WatchLost,
    unnamed,
)
from sparkk8s_nb.model.fold import DEAD_KEPT, Fold, living, number_of
from sparkk8s_nb.model.rows import ENDED, Row
from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.model.timestamps import time_of_day

__all__ = [
    "DEAD_KEPT",
    "CreationRefused",
    "ExecutorLoad",
    "ExecutorStatus",
    "ExecutorView",
    "ExecutorsSeen",
    "Fleet",
    "FleetEvent",
    "Listed",
    "Phase",
    "PodEvent",
    "PodEventsSeen",
    "PodGone",
    "PodSeen",
    "PodView",
    "TaskCounts",
    "WantedChanged",
    "WatchLost",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All executors of a session.

    Parameters
    ----------
    wanted : int
        How many are asked for.
    stale : str
        Why the view may be old; empty while it is live.
    stale_since : float
        Seconds since the epoch: when it was live for the last time; 0.0 while it is.
    verdict : str
        The session's state in one plain sentence, empty when all is well; see :meth:`judged`.
    start : StartPhase or None
        What the session's start does now; None once it is over. See :meth:`during`.
    refused : str
        The API server's last refusal to make a pod; empty again once one was made.
    failures_in_a_row, refusals_in_a_row : int
        Since an executor last registered with Spark.
    done_total, failed_total : int
        Executors that ended since the session began.
    wanted_since : float
        When that many were first asked for; 0.0 is since the session began.
    as_of : float
        Seconds since the epoch.

    Examples
    --------
    >>> pod = PodView(name="p-1", uid="u", executor="1", phase="Running", node="n", memory=2**31)
    >>> fleet = Fleet(wanted=2).apply(PodSeen(pod=pod, at=1.0))
    >>> fleet.executors[0].phase
    <Phase.STARTING: 'starting'>
    >>> fleet = fleet.apply(ExecutorsSeen(executors=(ExecutorStatus(id="1", cores=1),), at=2.0))
    >>> fleet.summary()
    '1 of 2 executors running, 1 asked for'
    """

    wanted: int = 0
    stale: str = ""
    stale_since: float = 0.0
    verdict: str = ""
    start: StartPhase | None = None
    refused: str = ""
    failures_in_a_row: int = 0
    refusals_in_a_row: int = 0
    done_total: int = 0
    failed_total: int = 0
    wanted_since: float = 0.0
    as_of: float = 0.0
    _rows: Mapping[str, Row] = field(default_factory=dict, repr=False)
    _counts: Mapping[Phase, int] = field(default_factory=dict, repr=False)
    _ended: tuple[str, ...] = field(default=(), repr=False)
    _active: frozenset[str] = field(default=frozenset(), repr=False)
    _highest: int = field(default=0, repr=False)
    _views: list[ExecutorView] = field(default_factory=list, init=False, repr=False, compare=False)

    def apply(self, event: FleetEvent) -> Fleet:
        """The fleet after an event.

        A lower ``wanted`` must be told (:class:`WantedChanged`) before executors are ended for it: one that
        leaves while there are more than wanted is done, one that leaves otherwise has failed.
        """
        fold = Fold(self, event.at)
        match event:
            case PodSeen(pod=pod):
                fold.pod(pod, gone=False)
            case PodGone(pod=pod):
                fold.pod(pod, gone=True)
            case PodEventsSeen(executor=executor, events=events):
                fold.pod_events(executor, events)
            case Listed(pods=pods):
                fold.listed(pods)
            case ExecutorsSeen(executors=executors):
                fold.executors(executors)
            case WatchLost(problem=problem):
                fold.changes["stale"] = problem
                fold.changes["stale_since"] = self.stale_since if self.stale else event.at
            case WantedChanged(wanted=wanted):
                fold.changes["wanted"] = wanted
                fold.changes["wanted_since"] = event.at
            case CreationRefused(message=message):
                fold.changes["refused"] = message
                fold.changes["refusals_in_a_row"] = self.refusals_in_a_row + 1
        return fold.fleet()

    def judged(self, verdict: str) -> Fleet:
        """The same fleet with another verdict."""
        return replace(self, verdict=verdict)

    def during(self, start: StartPhase | None) -> Fleet:
        """The same fleet in another phase of the session's start."""
        return replace(self, start=start)

    @property
    def executors(self) -> tuple[ExecutorView, ...]:
        """Living ones first, then up to ``DEAD_KEPT`` ended ones (the newest), each ordered by id."""
        if not self._views and self._rows:
            living = [row.view for row in self._rows.values() if row.view.phase not in ENDED]
            ended = [self._rows[key].view for key in self._ended[-DEAD_KEPT:]]
            self._views.extend(sorted(living, key=_order) + sorted(ended, key=_order))
        return tuple(self._views)

    @property
    def counts(self) -> Mapping[Phase, int]:
        """Executors by phase: ended ones as totals, asked ones as those wanted that have no pod."""
        counts = {phase: self._counts.get(phase, 0) for phase in Phase}
        counts[Phase.ASKED] = self.asked
        counts[Phase.DONE], counts[Phase.FAILED] = self.done_total, self.failed_total
        return counts

    @property
    def ready(self) -> int:
        """How many are registered with Spark and at its disposal."""
        return self._counts.get(Phase.RUNNING, 0)

    @property
    def starting(self) -> int:
        """How many run and have not registered yet."""
        return self._counts.get(Phase.STARTING, 0)

    @property
    def pending(self) -> int:
        """How many have a pod that does not run yet."""
        return self._counts.get(Phase.PENDING, 0)

    @property
    def asked(self) -> int:
        """How many are wanted and have no pod yet."""
        return max(0, self.wanted - living(self._counts))

    def find(self, executor: str) -> ExecutorView | None:
        """An executor by its id or its pod's name, ended ones too while they are kept."""
        row = self._rows.get(executor)
        if row is not None:
            return row.view
        return next((view for view in self.executors if view.pod == executor), None)

    def failed_since(self, at: float) -> tuple[ExecutorView, ...]:
        """The kept executors that failed at or after a moment, the newest last."""
        views = (self._rows[key].view for key in self._ended[-DEAD_KEPT:])
        return tuple(view for view in views if view.phase is Phase.FAILED and view.ended >= at)

    def summary(self) -> str:
        """The fleet in one line, naming no pod and no node (it may stay in a saved notebook)."""
        if self.ready == self.wanted:
            head = f"{_plural(self.ready, 'executor')} running" if self.wanted else "no executors"
        else:
            head = f"{self.ready} of {_plural(self.wanted, 'executor')} running"
        parts = [head]
        for phase, word in ((Phase.STARTING, "starting"), (Phase.STOPPING, "stopping")):
            if self._counts.get(phase):
                parts.append(f"{self._counts[phase]} {word}")
        if self.asked:
            parts.append(f"{self.asked} asked for")
        if self.pending:
            why = self._first_reason(Phase.PENDING)
            parts.append(f"{self.pending} pending" + (f": {why}" if why else ""))
        sentences = [", ".join(parts)]
        if self.failed_total:
            failed = self.failed_since(0.0)
            sentences.append(
                f"{self.failed_total} failed" + (f" (last: {unnamed(failed[-1])})" if failed else "")
            )
        if self.stale:
            sentences.append(f"not live since {time_of_day(self.stale_since)}: {self.stale}")
        return "; ".join(sentences)

    def _first_reason(self, phase: Phase) -> str:
        """The most common reason of a phase: what most wait for is the news."""
        views = (row.view for row in self._rows.values() if row.view.phase is phase and row.view.reason)
        tally = Counter(unnamed(view) for view in views)
        return tally.most_common(1)[0][0] if tally else ""


def _order(view: ExecutorView) -> tuple[int, str]:
    return (number_of(view.id), view.id)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
