"""A user's function, called with every new progress on a thread of its own: what it does holds up nobody."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sparkk8s_nb.model.progress import Progress
from sparkk8s_nb.telemetry import worker
from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

logger = logging.getLogger(__name__)

Callback = Callable[[Progress], object]

LAST_CALL = 2.0
"""Seconds that the end of the block waits for a call that is under way."""

IDLE_SECONDS = 3600.0


@contextmanager
def called_with(
    feed: Feed[Progress], callback: Callback, *, before_end: Callable[[], object]
) -> Iterator[None]:
    """Call a function with what is new in a feed while the block runs, thread ``sparkk8s-progress``.

    One call at a time, always with the newest value; none begins after the block has ended. One that raises
    is not called again, and the end of the block warns of it, once.

    Parameters
    ----------
    feed : Feed of Progress
    callback : callable
    before_end : callable
        Called when the block ends: what it publishes is the callback's last value.
    """
    calls = _Calls(feed, callback)
    calls.worker.start()
    try:
        yield
    finally:
        try:
            before_end()
        finally:
            calls.end()


class _Calls:
    def __init__(self, feed: Feed[Progress], callback: Callback) -> None:
        self._feed = feed
        self._callback = callback
        self._seen, _ = feed.wait_newer(-1, 0)
        self._over = False
        self._error: BaseException | None = None
        self.worker = Worker("progress", self._work, on_death=self._raised)

    def end(self) -> None:
        self.worker.request_stop()
        self._feed.wake()
        self.worker.stop(LAST_CALL)
        self._over = True
        if self._error is not None:
            warnings.warn(_told(self._error), RuntimeWarning, stacklevel=4)

    def _work(self, stop: StopFlag) -> None:
        while not self._over:
            version, progress = self._feed.wait_newer(self._seen, IDLE_SECONDS, until=stop.is_set)
            if version > self._seen and not self._over:
                self._seen = version
                if progress.jobs or progress.streams:
                    self._callback(progress)
            elif stop.is_set() or self._feed.closed:
                return

    def _raised(self, error: BaseException) -> None:
        logger.info("a progress callback raised and is not called again", exc_info=error)
        self._error = error


def _told(error: BaseException) -> str:
    """Which error, and in which line of the user's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename not in (__file__, worker.__file__)]
    where = f" (line {own[0].lineno}, in {own[0].name})" if own else ""
    return f"The progress callback raised {type(error).__name__}: {error}{where}. It was not called again."
