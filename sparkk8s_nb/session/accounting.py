"""What a session has used so far, kept in its Lease, where ``ps`` and administrators' tools find it.

The keeper writes it with the renewal that it sends anyway: it costs no request of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from sparkk8s_nb.model.labels import USAGE
from sparkk8s_nb.ports import Keeper
from sparkk8s_nb.session.fleet_state import FleetState

TELL_EVERY = 20.0
"""More often than a Lease is renewed would be for nothing."""


class Accounting:
    """Tells the keeper what the executors have used.

    Parameters
    ----------
    fleet : FleetState
    now : callable
        Seconds since the epoch.
    """

    def __init__(self, fleet: FleetState, now: Callable[[], float]) -> None:
        self._fleet = fleet
        self._now = now
        self._keeper: Keeper | None = None
        self._told: tuple[float, str] = (0.0, "")

    def keep(self, keeper: Keeper) -> None:
        """Tell this one from now on."""
        self._keeper = keeper

    def look(self) -> None:
        """Tell it now, if it is time and there is news."""
        now, (at, before) = self._now(), self._told
        if self._keeper is None or now - at < TELL_EVERY:
            return
        text = self._fleet.usage(now).as_json()
        if text != before:
            self._keeper.annotate(USAGE, text)
        self._told = (now, text)
