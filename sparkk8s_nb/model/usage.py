"""What a session used: a fold of pod lifetimes to core-seconds and GiB-seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sparkk8s_nb.model.fleet import FleetEvent, Listed, PodGone, PodSeen, PodView
from sparkk8s_nb.model.spec import GIB

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Executors' cost so far.

    Parameters
    ----------
    executors : int
        How many pods there ever were.
    core_seconds, gib_seconds : float
        Of pods that have ended; :meth:`at` adds the living ones.

    Examples
    --------
    >>> pod = PodView(name="p", uid="u", executor="1", phase="Running", cpu_millis=2000, created=100.0)
    >>> usage = Usage().apply(PodSeen(pod=pod, at=101.0))
    >>> usage.at(100.0 + 1800).core_hours
    1.0
    """

    executors: int = 0
    core_seconds: float = 0.0
    gib_seconds: float = 0.0
    _living: Mapping[str, PodView] = field(default_factory=dict, repr=False)
    _ended: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def core_hours(self) -> float:
        """Core-seconds as hours, to two digits."""
        return round(self.core_seconds / 3600, 2)

    @property
    def gib_hours(self) -> float:
        """GiB-seconds as hours, to two digits."""
        return round(self.gib_seconds / 3600, 2)

    def sentence(self) -> str:
        """In words.

        >>> Usage(executors=1, core_seconds=900.0, gib_seconds=3600.0).sentence()
        '1 executor, 0.25 core-hours, 1.00 GiB-hours'
        """
        executors = "1 executor" if self.executors == 1 else f"{self.executors} executors"
        return f"{executors}, {self.core_hours:.2f} core-hours, {self.gib_hours:.2f} GiB-hours"

    def as_json(self) -> str:
        """The sums on one line, for the Lease.

        >>> Usage(executors=2, core_seconds=90.04, gib_seconds=45.0).as_json()
        '{"core_seconds":90.0,"executors":2,"gib_seconds":45.0,"schema":1}'
        """
        sums = {
            "schema": SCHEMA,
            "executors": self.executors,
            "core_seconds": round(self.core_seconds, 1),
            "gib_seconds": round(self.gib_seconds, 1),
        }
        return json.dumps(sums, sort_keys=True, separators=(",", ":"))

    def apply(self, event: FleetEvent) -> Usage:
        """The usage after a pod event; other events change nothing."""
        match event:
            case PodSeen(pod=pod, at=at):
                return self._seen(pod, at)
            case PodGone(pod=pod, at=at):
                return self._end(pod, at)
            case Listed(pods=pods, at=at):
                usage = self
                there = {pod.uid for pod in pods}
                for gone in [pod for uid, pod in self._living.items() if uid not in there]:
                    usage = usage._end(gone, at)
                for pod in pods:
                    usage = usage._seen(pod, at)
                return usage
        return self

    def at(self, now: float) -> Usage:
        """The usage if every living pod ended now."""
        usage = self
        for pod in self._living.values():
            usage = usage._end(pod, now)
        return usage

    def _seen(self, pod: PodView, at: float) -> Usage:
        if pod.uid in self._ended:
            return self
        if pod.phase in {"Succeeded", "Failed"}:
            return self._end(pod, at)
        new = pod.uid not in self._living
        return replace(self, executors=self.executors + new, _living={**self._living, pod.uid: pod})

    def _end(self, pod: PodView, at: float) -> Usage:
        if pod.uid in self._ended:
            return self
        new = pod.uid not in self._living
        seconds = max(0.0, at - pod.created) if pod.created else 0.0
        return replace(
            self,
            executors=self.executors + new,
            core_seconds=self.core_seconds + seconds * pod.cpu_millis / 1000,
            gib_seconds=self.gib_seconds + seconds * pod.memory / GIB,
            _living={uid: other for uid, other in self._living.items() if uid != pod.uid},
            _ended=self._ended | {pod.uid},
        )


def parse_usage(text: str) -> Usage | None:
    """Read what :meth:`Usage.as_json` wrote; None for anything else, and for nothing.

    >>> parse_usage('{"core_seconds":90.0,"executors":2,"gib_seconds":45.0,"schema":1}').core_hours
    0.03
    """
    try:
        sums = json.loads(text)
        return Usage(
            executors=int(sums["executors"]),
            core_seconds=float(sums["core_seconds"]),
            gib_seconds=float(sums["gib_seconds"]),
        )
    except (ValueError, TypeError, KeyError):
        return None
