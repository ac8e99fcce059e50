"""How long a start waits for its executors: longer while an image is pulled or a node comes, and no longer than
it takes to be sure that none can start. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sparkk8s_nb.model.awaiting import NODE_COMING, PULLING
from sparkk8s_nb.model.fleet import Fleet, Phase
from sparkk8s_nb.model.hopeless import Obstacle

GRACE_SECONDS = 60.0
"""What has come (an image, a node) gets that long to become an executor."""

LONGER = 3.0
MOST_SECONDS = 900.0
"""A start waits up to three times its timeout for an image or a node, and not beyond 15 minutes."""

SURE_SECONDS = 3.0
LATE_SECONDS = 15.0
"""So long what keeps every executor must have been there; the latter for what a node may not have heard of yet."""

_ON_THE_WAY = frozenset({"", "ContainerCreating", "PodInitializing", PULLING, NODE_COMING})


def waited_for(fleet: Fleet) -> str:
    """What a fleet waits for and is going to get, in words; empty if it is nothing of that kind."""
    codes = {view.code for view in fleet.executors if view.phase is Phase.PENDING}
    parts = []
    if NODE_COMING in codes:
        parts.append("a node is being added")
    if PULLING in codes:
        parts.append("an image is being pulled")
    return ", ".join(parts)


def in_vain(fleet: Fleet) -> float | None:
    """Seconds after which waiting for a fleet as it is now is in vain; None while an executor may come of it.

    One that runs proves that it can be done, and one that is on its way may; one that finds no room would meet
    the same obstacle.
    """
    pending = [view for view in fleet.executors if view.phase is Phase.PENDING]
    kept = [Obstacle(view.obstacle) for view in pending if view.obstacle]
    coming = any(view.code in _ON_THE_WAY and not view.obstacle for view in pending)
    if not kept or coming or fleet.ready or fleet.starting:
        return None
    return LATE_SECONDS if any(obstacle.may_be_late for obstacle in kept) else SURE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a start waits for its executors: longer while an image is pulled or a node comes.

    Parameters
    ----------
    timeout : float
        Seconds, where nothing is known to come.
    until : float
        Seconds since the wait began; :meth:`look` moves it. 0.0 is the timeout.
    in_vain_since : float or None
        Since when it has been in vain, in the same seconds.
    in_vain_until : float or None
        When that is sure.

    Examples
    --------
    >>> Patience(timeout=300.0).most
    900.0
    """

    timeout: float
    until: float = 0.0
    in_vain_since: float | None = None
    in_vain_until: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "until", self.until or self.timeout)

    @property
    def most(self) -> float:
        """So many seconds at the very most."""
        return max(self.timeout, min(LONGER * self.timeout, MOST_SECONDS))

    @property
    def end(self) -> float:
        """When the wait ends, seconds since it began, if nothing changes."""
        return self.until if self.in_vain_until is None else min(self.until, self.in_vain_until)

    def sure(self, waited: float) -> bool:
        """Whether it is known by now that no executor can start."""
        return self.in_vain_until is not None and waited >= self.in_vain_until

    def look(self, fleet: Fleet, waited: float) -> Patience:
        """The patience after a look at the fleet, ``waited`` seconds after the wait began."""
        seconds = in_vain(fleet)
        since = None if seconds is None else waited if self.in_vain_since is None else self.in_vain_since
        sure = None if since is None or seconds is None else since + seconds
        patience = replace(self, in_vain_since=since, in_vain_until=sure)
        if not waited_for(fleet):
            return patience
        return replace(patience, until=max(self.until, min(waited + GRACE_SECONDS, self.most)))
