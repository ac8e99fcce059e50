"""The thread that tells a session what its pods do."""

from __future__ import annotations

from collections.abc import Callable

from sparkk8s_nb.model.fleet import Listed as PodsListed
from sparkk8s_nb.model.fleet import PodGone, PodSeen, WatchLost
from sparkk8s_nb.model.labels import executor_selector
from sparkk8s_nb.ports import PodSource, Stop
from sparkk8s_nb.session.caretaker import Caretaker
from sparkk8s_nb.session.fleet_state import FleetState
from sparkk8s_nb.telemetry.worker import Worker

ENDED_PHASES = frozenset({"Succeeded", "Failed"})


class PodFollower:
    """Feeds pod events into the fleet; thread ``sparkk8s-pods``."""

    def __init__(
        self,
        session: str,
        source: PodSource,
        fleet: FleetState,
        caretaker: Caretaker,
        now: Callable[[], float],
    ) -> None:
        self._selector = executor_selector(session)
        self._source = source
        self._fleet = fleet
        self._caretaker = caretaker
        self._now = now
        self._deleting: set[str] = set()
        self._there: set[str] = set()
        self._worker = Worker("pods", self._work, on_death=self._died)

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End at once."""
        self._worker.stop(timeout=5)

    def _work(self, stop: Stop) -> None:
        for event in self._source.events(self._selector, stop):
            self._fleet.apply(event)
            if isinstance(event, PodSeen):
                self._there.add(event.pod.uid)
            match event:
                case PodSeen(pod=pod) if pod.phase in ENDED_PHASES:
                    self._caretaker.bury(pod)
                case PodsListed(pods=pods):
                    for pod in pods:
                        if pod.phase in ENDED_PHASES:
                            self._caretaker.bury(pod)
                    there = {pod.uid for pod in pods}
                    if self._there - there:
                        self._caretaker.look_at_lease()  # it may have gone with its pods while nobody watched
                    self._there = there
                case PodSeen(pod=pod) if pod.deleting and pod.uid not in self._deleting:
                    self._deleting.add(pod.uid)
                    self._caretaker.look_at_lease()  # the collector at work?
                case PodGone(pod=pod):
                    self._deleting.discard(pod.uid)
                    self._there.discard(pod.uid)
                    self._caretaker.look_at_lease()
            if stop.is_set():
                return

    def _died(self, error: BaseException) -> None:
        self._fleet.apply(WatchLost(problem=f"the pod follower died: {error}", at=self._now()))
