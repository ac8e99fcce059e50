"""Waits for what happens in another process or thread: never a sleep around a race, always with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SECONDS = 60.0
"""The machine may be slow; no promise is checked with it."""

PAUSE = 0.05


def eventually(done: Callable[[], T], seconds: float = SECONDS) -> T:
    """Return the first true value of a function, or after so many seconds its last one.

    Parameters
    ----------
    done : callable
    seconds : float

    Examples
    --------
    >>> assert eventually(lambda: 1 + 1 == 2), "what the assertion says where it never is"
    """
    deadline = time.monotonic() + seconds
    while not (value := done()) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return value


def until(done: Callable[[], T], what: str, seconds: float = SECONDS) -> T:
    """Return the first true value of a function; fail with what was waited for.

    Parameters
    ----------
    done : callable
    what : str
        As it stands behind "waited until".
    seconds : float
    """
    value = eventually(done, seconds)
    assert value, f"waited {seconds:.0f} s until {what}"
    return value
