"""How many bytes the views of a kernel may publish: a reserve at first, then so many a second.

What a view shows is bounded, and so is how often; but an hour of a hundred busy executors four times a second
would still be megabytes. A view that has used up the reserve says what it has to say less often.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

RESERVE = 50_000
"""Bytes at once."""

RATE = 1_900
"""Bytes a second, for all views of the kernel."""

DEBT = 30_000
"""News that cannot wait (a job's end) may go so far over."""

ASKED_DEBT = 4_000
"""What a front end asked for is sent in any case; it costs the views not more than this."""

ENVELOPE = 450
"""A comm message's header, signature and addresses (414 bytes with jupyter_client 8)."""


class Allowance:
    """Bytes that may be published, shared by all views; safe on any thread.

    Parameters
    ----------
    clock : callable
        Seconds, only their differences matter.

    Examples
    --------
    >>> allowance = Allowance(clock=lambda: 0.0)
    >>> allowance.wait()
    0.0
    >>> allowance.spend(RESERVE + 3 * RATE - ENVELOPE)
    >>> allowance.wait(), allowance.wait(urgent=True)
    (3.0, 0.0)
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._level = float(RESERVE)
        self._at = clock()

    def spend(self, size: int, *, asked: bool = False) -> None:
        """Count a message of ``size`` characters.

        Parameters
        ----------
        size : int
        asked : bool
            Whether a front end asked for it.
        """
        with self._lock:
            level = self._refilled()
            after = level - size - ENVELOPE
            self._level = max(after, min(level, -ASKED_DEBT)) if asked else after

    def wait(self, *, urgent: bool = False) -> float:
        """Return the seconds until the next message may go; urgent ones may go on debt."""
        with self._lock:
            return max(0.0, (-DEBT if urgent else 0.0) - self._refilled()) / RATE

    def _refilled(self) -> float:
        now = self._clock()
        self._level = min(float(RESERVE), self._level + (now - self._at) * RATE)
        self._at = now
        return self._level


SHARED = Allowance()
"""The one of this kernel."""
