"""The states of a session and what may follow what."""

from __future__ import annotations

from enum import StrEnum


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
