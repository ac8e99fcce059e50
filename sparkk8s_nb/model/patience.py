"""How long a start waits for its executors: longer while an image is pulled or a node comes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sparkk8s_nb.model.awaiting import NODE_COMING, PULLING
from sparkk8s_nb.model.fleet import Fleet, Phase

GRACE_SECONDS = 60.0
"""What has come (an image, a node) gets that long to become an executor."""

LONGER = 3.0
MOST_SECONDS = 900.0
"""A start waits up to three times its timeout for an image or a node, and not beyond 15 minutes."""


def waited_for(fleet: Fleet) -> str:
    """What a fleet waits for and is going to get, in words; empty if it is nothing of that kind."""
    codes = {view.code for view in fleet.executors if view.phase is Phase.PENDING}
    parts = []
    if NODE_COMING in codes:
        parts.append("a node is being added")
    if PULLING in codes:
        parts.append("an image is being pulled")
    return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a start waits for its executors: longer while an image is pulled or a node comes.

    Parameters
    ----------
    timeout : float
        Seconds, where nothing is known to come.
    until : float
        Seconds since the wait began; :meth:`look` moves it. 0.0 is the timeout.

    Examples
    --------
    >>> Patience(timeout=300.0).most
    900.0
    """

    timeout: float
    until: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "until", self.until or self.timeout)

    @property
    def most(self) -> float:
        """So many seconds at the very most."""
        return max(self.timeout, min(LONGER * self.timeout, MOST_SECONDS))

    def look(self, fleet: Fleet, waited: float) -> Patience:
        """The patience after a look at the fleet, ``waited`` seconds after the wait began."""
        if not waited_for(fleet):
            return self
        return replace(self, until=max(self.until, min(waited + GRACE_SECONDS, self.most)))
