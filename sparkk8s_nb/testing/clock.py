"""Time that passes only when told."""

from __future__ import annotations


class FakeClock:
    """Time that passes only when told: call it for the time, sleep on it, or wait on it as a Stop.

    Parameters
    ----------
    now : float
        Seconds to begin with.
    stop_at : float or None
        When :meth:`is_set` becomes true.

    Examples
    --------
    >>> clock = FakeClock(100.0)
    >>> clock.sleep(5); clock()
    105.0
    """

    def __init__(self, now: float = 0.0, *, stop_at: float | None = None) -> None:
        self.time = now
        self.stop_at = stop_at
        self.slept: list[float] = []

    def __call__(self) -> float:
        """The time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass, and note that somebody slept."""
        self.slept.append(seconds)
        self.time += seconds

    def is_set(self) -> bool:
        """Whether ``stop_at`` has come."""
        return self.stop_at is not None and self.time >= self.stop_at

    def wait(self, seconds: float) -> bool:
        """Sleep, and say whether ``stop_at`` has come."""
        self.sleep(seconds)
        return self.is_set()
