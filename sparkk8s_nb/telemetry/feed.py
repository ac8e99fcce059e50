"""The newest value of something, for any number of readers. Never a queue: a slow reader skips."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Feed(Generic[T]):
    """One writer, many readers, the newest value.

    Examples
    --------
    >>> feed = Feed(0)
    >>> feed.publish(3)
    >>> feed.value
    3
    >>> feed.wait_for(lambda value: value >= 3, timeout=1)
    3
    """

    def __init__(self, value: T) -> None:
        self._condition = threading.Condition()
        self._value = value
        self._version = 0
        self._closed = False
        self._listeners: tuple[Callable[[], object], ...] = ()

    @property
    def value(self) -> T:
        """The newest value."""
        with self._condition:
            return self._value

    @property
    def closed(self) -> bool:
        """Whether nothing will be published any more."""
        with self._condition:
            return self._closed

    def publish(self, value: T) -> None:
        """Replace the value and wake whoever waits."""
        with self._condition:
            self._value = value
            self._version += 1
            self._tell()

    def update(self, change: Callable[[T], T]) -> T:
        """Replace the value by a function of it, in one step."""
        with self._condition:
            self._value = change(self._value)
            self._version += 1
            self._tell()
            return self._value

    def close(self) -> None:
        """Say that nothing more comes: every wait ends."""
        with self._condition:
            self._closed = True
            self._tell()

    def listen(self, wake: Callable[[], object]) -> None:
        """Have a function called at every change, on the writer's thread: it may set an event, and no more.

        For a reader of several feeds, which cannot wait in each.
        """
        with self._condition:
            self._listeners = (*self._listeners, wake)

    def unlisten(self, wake: Callable[[], object]) -> None:
        """Undo :meth:`listen`; once for each time."""
        with self._condition:
            left = list(self._listeners)
            left.remove(wake)
            self._listeners = tuple(left)

    def wait_for(self, predicate: Callable[[T], bool], timeout: float) -> T:
        """Wait until the predicate holds, the feed is closed or the time is over; return the value.

        The caller looks at the value to know which it was. Safe on the main thread: a
        KeyboardInterrupt ends the wait.
        """
        deadline = time.monotonic() + timeout
        with self._condition:
            while not predicate(self._value) and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)
            return self._value

    def wait_newer(
        self, version: int, timeout: float, until: Callable[[], bool] | None = None
    ) -> tuple[int, T]:
        """Wait for a value newer than ``version``; return the version and the value there is.

        Parameters
        ----------
        version : int
            The last one seen; -1 at first, which returns at once.
        timeout : float
            Seconds.
        until : callable, optional
            A further reason to end the wait, asked after every :meth:`wake`.
        """
        deadline = time.monotonic() + timeout
        with self._condition:
            while self._version <= version and not self._closed and not (until is not None and until()):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._condition.wait(left)
            return self._version, self._value

    def _tell(self) -> None:
        self._condition.notify_all()
        for wake in self._listeners:
            wake()

    def wake(self) -> None:
        """Have every waiting reader look at its own reasons to go on; nothing is published."""
        with self._condition:
            self._condition.notify_all()
