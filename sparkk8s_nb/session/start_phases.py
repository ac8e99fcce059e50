"""What a start does now and how long that took: shown in the fleet's view while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

from sparkk8s_nb.model.state import StartPhase
from sparkk8s_nb.session.fleet_state import FleetState


class StartPhases:
    """The phases of one start.

    Parameters
    ----------
    fleet : FleetState
        Where they are shown.
    now : callable
        Seconds since the epoch.
    """

    def __init__(self, fleet: FleetState, now: Callable[[], float]) -> None:
        self._fleet = fleet
        self._now = now
        self._began = 0.0
        self.begun: list[tuple[str, float]] = []

    def begin(self, what: str) -> None:
        """The next phase begins; an empty one is the end of the start."""
        self.begun.append((what, time.monotonic()))
        self._began = self._now()
        self.reword(what)

    def reword(self, what: str) -> None:
        """The phase goes on, and more is known of it."""
        self._fleet.during(StartPhase(what=what, since=self._began) if what else None)

    @property
    def seconds(self) -> float:
        """How long the start took, or has taken until now."""
        if not self.begun:
            return 0.0
        what, ended = self.begun[-1]
        return (time.monotonic() if what else ended) - self.begun[0][1]
