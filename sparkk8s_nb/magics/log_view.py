"""``%sparkk8s logs -f``: a log that grows in its output, while the next cells run."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.show import CellContext

logger = logging.getLogger(__name__)

PERIOD = 1.0
LONGEST = 900
"""Looks until a followed log is left alone: a quarter of an hour."""


def follow_log(read: Callable[[], str], *, until: Callable[[], bool]) -> None:
    """Show a log now and update it in place, on a thread of its own; returns at once.

    Parameters
    ----------
    read : callable
        The last lines of the log.
    until : callable
        Whether there is nothing more to come.
    """
    context = CellContext.capture()
    display_id = uuid.uuid4().hex
    first = read()
    context.display(_bundle(first), display_id)

    def work(stop: StopFlag) -> None:
        last = first
        for _ in range(LONGEST):
            if stop.wait(PERIOD) or until():
                return
            try:
                text = read()
            except SparkK8sError:
                return  # the executor is gone; what was last read stays
            if text != last:
                context.update(_bundle(text), display_id)
                last = text

    Worker("log", work, on_death=lambda error: logger.warning("the log view ended: %s", error)).start()


def _bundle(text: str) -> dict[str, str]:
    return {"text/plain": text or "The log is empty so far."}
