"""One event's changes on their way into the next fleet: what :meth:`~sparkk8s_nb.model.fleet.Fleet.apply` does.

One event costs one row and a shallow copy of the rows' table, never a rebuild.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sparkk8s_nb.model.executors import ExecutorStatus, Phase, PodEvent, PodView
from sparkk8s_nb.model.rows import ENDED, Row, join

if TYPE_CHECKING:
    from sparkk8s_nb.model.fleet import Fleet

DEAD_KEPT = 10
"""So many ended executors stay in the view, the newest."""


class Fold:
    """One event's changes.

    Parameters
    ----------
    before : Fleet
    at : float
        When it happened, seconds since the epoch.
    """

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
        """The fleet afterwards."""
        before = self._before
        return replace(
            before,
            failures_in_a_row=self._failures,
            done_total=self._done,
            failed_total=self._failed,
            as_of=max(before.as_of, self._at),
            _rows=self._rows,
            _counts=self._counts,
            _ended=self._ended,
            _active=self._active,
            _highest=self._highest,
            **self.changes,
        )

    def pod(self, pod: PodView, *, gone: bool) -> None:
        """Take a pod as it is now, or as it was when its object was deleted."""
        key = pod.executor or pod.name
        row = self._rows.get(key)
        if row is not None and row.pod is not None and row.pod.uid != pod.uid and gone:
            return  # the end of an earlier pod of the same name: the row is the newer one's
        number = number_of(key)
        if row is None and (gone or (number <= self._highest and pod.phase in {"Succeeded", "Failed"})):
            return  # ended, counted and no longer kept
        if row is None or row.pod is None:
            self._highest = max(self._highest, number)
            self.changes["refused"] = ""
        self._put(key, row, pod=pod, gone=gone)

    def pod_events(self, executor: str, events: tuple[PodEvent, ...]) -> None:
        """Take what the API's Events say of an executor's pod."""
        row = self._rows.get(executor)
        if row is not None and row.events != events:
            self._put(executor, row, events=events)

    def listed(self, pods: tuple[PodView, ...]) -> None:
        """Take a complete list: whatever is not in it went while nobody watched."""
        self.changes |= {"stale": "", "stale_since": 0.0}
        there = {pod.uid for pod in pods}
        for key, row in self._before._rows.items():
            if row.pod is not None and row.pod.uid not in there and not row.gone:
                self._put(key, row, gone=True)
        for pod in sorted(pods, key=lambda pod: number_of(pod.executor)):
            self.pod(pod, gone=False)

    def executors(self, statuses: tuple[ExecutorStatus, ...]) -> None:
        """Take what Spark says of all executors."""
        seen: set[str] = set()
        for status in statuses:
            if status.active:
                seen.add(status.id)
            row = self._rows.get(status.id)
            if row is None:
                if not status.active or number_of(status.id) <= self._highest:
                    continue  # ended and no longer kept
                self._highest = number_of(status.id)
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
            living=living(self._counts),
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


def living(counts: Mapping[Phase, int]) -> int:
    """How many have not begun to end."""
    return counts.get(Phase.PENDING, 0) + counts.get(Phase.STARTING, 0) + counts.get(Phase.RUNNING, 0)


def number_of(key: str) -> int:
    """An executor's number; 0 for an id that is none."""
    return int(key) if key.isdecimal() else 0
