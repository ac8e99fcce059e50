"""A daemon thread with a name, a stop that ends every wait at once, and a death that is seen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class StopFlag:
    """A wish to end, and the wait that ends with it (the :class:`~sparkk8s_nb.ports.Stop` protocol)."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wish for the end."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the end is wished for."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until the end is wished for; returns whether it is."""
        return self._event.wait(seconds)


class Worker:
    """Runs ``work(stop)`` on a daemon thread named ``sparkk8s-<name>``.

    Parameters
    ----------
    name : str
        What it does, shown in thread lists.
    work : callable
        Gets the stop flag; returns soon after the flag is set.
    on_death : callable
        Called on the thread with the exception if ``work`` raises: the feed's chance to say ``stale``.

    Examples
    --------
    >>> worker = Worker("example", lambda stop: stop.wait(60), on_death=print)
    >>> worker.start(); worker.stop(timeout=5)
    True
    """

    def __init__(
        self, name: str, work: Callable[[StopFlag], object], *, on_death: Callable[[BaseException], None]
    ) -> None:
        self.name = f"sparkk8s-{name}"
        self._work = work
        self._on_death = on_death
        self._flag = StopFlag()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begin; once only."""
        self._thread.start()

    def request_stop(self) -> None:
        """Ask it to end, without waiting: for a work that waits on something else, to be woken next."""
        self._flag.set()

    def stop(self, timeout: float) -> bool:
        """Ask it to end and wait up to ``timeout`` seconds; returns whether it has ended."""
        self._flag.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work(self._flag)
        except BaseException as error:
            logger.debug("thread %s died", self.name, exc_info=True)
            self._on_death(error)
