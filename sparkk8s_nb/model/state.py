"""The states of a session and what may follow what, and how far a start is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from sparkk8s_nb.model.quantities import format_duration


class SessionState(StrEnum):
    """Where a session is in its life.

    ``CHECKING > CONNECTING > RUNNING > STOPPING > STOPPED``, or ``FAILED`` (the driver died, the start was
    unwound) or ``LOST`` (its Lease is gone; ``scale`` revives it).
    """

    CHECKING = "checking"
    CONNECTING = "connecting"
    RUNNING = "running"
    LOST = "lost"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing can bring it back."""
        return self in {SessionState.STOPPED, SessionState.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPhase:
    """What a start does now.

    Parameters
    ----------
    what : str
        In a few words, without any name: it may stay in a saved notebook.
    since : float
        Seconds since the epoch.
    """

    what: str
    since: float

    def line(self, now: float) -> str:
        """With its seconds.

        >>> StartPhase(what="Connecting Spark", since=10.0).line(now=13.6)
        'Connecting Spark, 3 s'
        """
        return f"{self.what}, {format_duration(math.floor(max(0.0, now - self.since)))}"
