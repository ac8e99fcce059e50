"""The fleet: what is known of a session's executors, folded from pod events and Spark's own status.

Two sources tell about an executor: its pod (phase, node, reasons) and Spark (cores in use, task counts).
Each has its own event; :meth:`Fleet.apply` joins them by executor id. The fold is pure: time is in the
events, as seconds since the epoch. One event costs one row and a shallow copy of the rows' table, never a
rebuild; the ordered tuple of views is made when it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sparkk8s_nb.model.executors import (
    CreationRefused,
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
from sparkk8s_nb.model.rows import ENDED, Row, join
from sparkk8s_nb.model.state import StartPhase

__all__ = [
    "DEAD_KEPT",
    "CreationRefused",
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

DEAD_KEPT = 10
"""So many ended executors stay in the view, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All executors of a session.

    Parameters
    ----------
    wanted : int
        How many are asked for.
    stale : str
        Why the view may be old; empty while it is live.
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
        fold = _Fold(self, event.at)
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
        return max(0, self.wanted - _living(self._counts))

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
            sentences.append(f"not live: {self.stale}")
        return "; ".join(sentences)

    def _first_reason(self, phase: Phase) -> str:
        """The most common reason of a phase: what most wait for is the news."""
        views = (row.view for row in self._rows.values() if row.view.phase is phase and row.view.reason)
        tally = Counter(unnamed(view) for view in views)
        return tally.most_common(1)[0][0] if tally else ""


class _Fold:
    """One event's changes on their way into the next fleet."""

    def __init__(self, before: Fleet, at: float) -> None:
        self._before = before
        self._at = at
        self._rows: dict[str, Row] = dict(before._rows)
        self._counts: dict[Phase, int] = dict(before._counts)
        self._ended = before._ended
        self._active = before._active
        self._highest = before._highest
        self._failures = before.failures_in_a_row
        self._done, self._failed = before.done_total, before.failed_total
        self.changes: dict[str, Any] = {}

    def fleet(self) -> Fleet:
        before = self._before
        return Fleet(
            wanted=self.changes.get("wanted", before.wanted),
            stale=self.changes.get("stale", before.stale),
            verdict=before.verdict,
            start=before.start,
            refused=self.changes.get("refused", before.refused),
            failures_in_a_row=self._failures,
            refusals_in_a_row=self.changes.get("refusals_in_a_row", before.refusals_in_a_row),
            done_total=self._done,
            failed_total=self._failed,
            wanted_since=self.changes.get("wanted_since", before.wanted_since),
            as_of=max(before.as_of, self._at),
            _rows=self._rows,
            _counts=self._counts,
            _ended=self._ended,
            _active=self._active,
            _highest=self._highest,
        )

    def pod(self, pod: PodView, *, gone: bool) -> None:
        key = pod.executor or pod.name
        row = self._rows.get(key)
        if row is not None and row.pod is not None and row.pod.uid != pod.uid and gone:
            return  # the end of an earlier pod of the same name: the row is the newer one's
        number = _number(key)
        if row is None and (gone or (number <= self._highest and pod.phase in {"Succeeded", "Failed"})):
            return  # ended, counted and no longer kept
        if row is None or row.pod is None:
            self._highest = max(self._highest, number)
            self.changes["refused"] = ""
        self._put(key, row, pod=pod, gone=gone)

    def pod_events(self, executor: str, events: tuple[PodEvent, ...]) -> None:
        row = self._rows.get(executor)
        if row is not None and row.events != events:
            self._put(executor, row, events=events)

    def listed(self, pods: tuple[PodView, ...]) -> None:
        """Take a complete list: whatever is not in it went while nobody watched."""
        self.changes["stale"] = ""
        there = {pod.uid for pod in pods}
        for key, row in self._before._rows.items():
            if row.pod is not None and row.pod.uid not in there and not row.gone:
                self._put(key, row, gone=True)
        for pod in sorted(pods, key=lambda pod: _number(pod.executor)):
            self.pod(pod, gone=False)

    def executors(self, statuses: tuple[ExecutorStatus, ...]) -> None:
        seen: set[str] = set()
        for status in statuses:
            if status.active:
                seen.add(status.id)
            row = self._rows.get(status.id)
            if row is None:
                if not status.active or _number(status.id) <= self._highest:
                    continue  # ended and no longer kept
                self._highest = _number(status.id)
            if row is None or row.status != status:
                self._put(status.id, row, status=status)
        for key in self._active - seen:
            row = self._rows.get(key)
            if row is not None and row.status is not None and row.status.active:
                self._put(key, row, status=replace(row.status, active=False))
        self._active = frozenset(seen)

    def _put(
        self,
        key: str,
        row: Row | None,
        *,
        pod: PodView | None = None,
        status: ExecutorStatus | None = None,
        events: tuple[PodEvent, ...] | None = None,
        gone: bool = False,
    ) -> None:
        """Replace a row by what is known now, and count what that changes."""
        if status is not None and (row is None or row.status is None):
            self._failures = 0  # a registration: the fleet can work
            self.changes["refusals_in_a_row"] = 0
        after = join(
            key,
            row,
            pod=pod,
            status=status,
            events=events,
            gone=gone,
            living=_living(self._counts),
            wanted=self._before.wanted,
            at=self._at,
        )
        self._rows[key] = after
        before, phase = (row.view.phase if row is not None else None), after.view.phase
        if phase is not before:
            self._count(before, phase)
        if phase in ENDED:
            self._end(key, new=before not in ENDED)

    def _count(self, before: Phase | None, after: Phase) -> None:
        if before is not None:
            self._counts[before] = self._counts.get(before, 0) - 1
            self._done -= before is Phase.DONE
            self._failed -= before is Phase.FAILED
        self._counts[after] = self._counts.get(after, 0) + 1
        self._done += after is Phase.DONE
        self._failed += after is Phase.FAILED
        self._failures += after is Phase.FAILED

    def _end(self, key: str, *, new: bool) -> None:
        """Keep the newest ended rows, and older ones only while their pod still exists."""
        if new:
            self._ended = (*self._ended, key)
        if len(self._ended) <= DEAD_KEPT:
            return
        old = self._ended[:-DEAD_KEPT]
        drop = {name for name in old if self._rows[name].gone or self._rows[name].pod is None}
        if drop:
            for name in drop:
                del self._rows[name]
            self._ended = tuple(name for name in self._ended if name not in drop)


def _living(counts: Mapping[Phase, int]) -> int:
    return counts.get(Phase.PENDING, 0) + counts.get(Phase.STARTING, 0) + counts.get(Phase.RUNNING, 0)


def _number(key: str) -> int:
    return int(key) if key.isdecimal() else 0


def _order(view: ExecutorView) -> tuple[int, str]:
    return (_number(view.id), view.id)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
