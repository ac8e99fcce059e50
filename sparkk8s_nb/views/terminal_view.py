"""A feed as one line on standard error, written by one writer, gone when the command returns."""

from __future__ import annotations

import logging
import threading
from typing import Generic, TypeVar

from sparkk8s_nb.telemetry.feed import Feed
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.live import FRAME_SECONDS, IDLE_SECONDS, STOP_SECONDS, TICK_SECONDS, Drawing
from sparkk8s_nb.views.text import LinePrinter

T = TypeVar("T")

logger = logging.getLogger(__name__)


class TerminalView(Generic[T]):
    """A view as one line on standard error.

    Parameters
    ----------
    feed : Feed
    drawing : Drawing
    printer : LinePrinter
        Nobody else writes with it.
    live : bool
        Whether the line follows the feed; otherwise only :meth:`finish` prints.
    """

    def __init__(self, feed: Feed[T], drawing: Drawing[T], printer: LinePrinter, *, live: bool) -> None:
        self._feed = feed
        self._drawing = drawing
        self._printer = printer
        self._lock = threading.Lock()
        self._settled = False
        self._worker = Worker(f"view-{drawing.module}", self._follow, on_death=self._died)
        if live:
            self._worker.start()

    def settle(self) -> None:
        """Take the line away: the prompt is the user's again."""
        self._halt()
        with self._lock:
            if not self._settled:
                self._printer.clear()
            self._settled = True

    def withdraw(self) -> None:
        """Take the line away; what a log has of it stays."""
        self.settle()

    def finish(self, summary: str = "") -> None:
        """Replace the line by its summary, unless the command that showed it has returned already."""
        self._halt()
        with self._lock:
            if not self._settled:
                self._printer.end(summary or self._drawing.summary(self._feed.value))
            self._settled = True

    def _halt(self) -> None:
        self._worker.request_stop()
        self._feed.wake()
        self._worker.stop(STOP_SECONDS)

    def _follow(self, stop: StopFlag) -> None:
        version = -1
        while not stop.is_set() and not self._feed.closed:
            ticks = self._drawing.ticks(self._feed.value)
            version, value = self._feed.wait_newer(
                version, TICK_SECONDS if ticks else IDLE_SECONDS, stop.is_set
            )
            if stop.is_set() or self._feed.closed:
                return
            with self._lock:
                if not self._settled:
                    self._printer.update(self._drawing.line(value, self._printer.room))
            stop.wait(FRAME_SECONDS)

    def _died(self, error: BaseException) -> None:
        logger.debug("the terminal's line ended: %s", error)
