"""The stop button: what SIGINT does to a cell that waits for Spark.

A KeyboardInterrupt in the middle of py4j's protocol costs the connection, and leaves the job running. So
while the main thread is inside a call, the signal only cancels the cell's jobs; the call comes back with the
cancelled job's error, and then KeyboardInterrupt is raised in its place: no ``except Exception`` of the user's
can take it. A call that does not come back (it waits for something that is no job, or the JVM hangs) is
abandoned with its connection after ``PATIENCE``, and at once when the user presses again.

Jobs are cancelled again and again while the interrupted cell goes on: the next one of a query, and those that
wait in a thread pool, begin later. What the cell itself begins after the interrupt is left alone.

An impatient second press may come when the cell has been left already, while IPython shows its traceback or
the kernel answers. A KeyboardInterrupt there costs the cell its reply, and a front end waits for that for ever
(measured: ipykernel 7 logs "KeyboardInterrupt caught in kernel" and sends none), so such a press is taken as
the same wish.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from sparkk8s_nb.spark.attribution import CellMark, work_for
from sparkk8s_nb.spark.main_calls import MainCalls, Press
from sparkk8s_nb.spark.short_trace import shortened, within_cell, within_libraries, without_us
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

logger = logging.getLogger(__name__)

PATIENCE = 0.8
"""Seconds that a call has to come back by itself once its jobs are being cancelled."""

CANCEL_AGAIN = 0.1
CANCEL_AGAIN_LATER = 0.5
CANCEL_AT_LEAST = 2.0
CANCEL_AT_MOST = 600.0
"""Seconds: jobs are cancelled while the interrupted cell goes on, at least and at most so long."""

LATE_SECONDS = 2.0
"""Seconds after a press during which another one that finds the cell left is the same wish."""


class Interrupts:
    """What happens beside the main thread when the stop button is pressed; thread ``sparkk8s-interrupt``.

    Parameters
    ----------
    calls : MainCalls
    cancel : callable
        ``cancel(tag, spared)`` cancels the active jobs with one tag but without the other.
    """

    def __init__(self, calls: MainCalls, cancel: Callable[[str, str], object]) -> None:
        self.calls = calls
        self.cancel = cancel
        # The only queue whose put may be called in a signal handler.
        self.presses: queue.SimpleQueue[tuple[CellScope, Press | None] | None] = queue.SimpleQueue()
        self._worker = Worker("interrupt", self._work, on_death=_died)
        self._cancellers: list[Worker] = []

    def start(self) -> None:
        """Begin."""
        self._worker.start()

    def stop(self) -> None:
        """End at once."""
        self._worker.request_stop()
        self.presses.put(None)
        for canceller in self._cancellers:
            canceller.request_stop()

    def _work(self, stop: StopFlag) -> None:
        while (item := self.presses.get()) is not None and not stop.is_set():
            scope, press = item
            self._cancellers = [canceller for canceller in self._cancellers if canceller.alive]
            if (canceller := scope.new_canceller()) is not None:
                self._cancellers.append(canceller)
                canceller.start()
            if press is not None:
                while not press.delivered and time.monotonic() < press.at + PATIENCE:
                    if stop.wait(0.02):
                        return
                scope.knock(press)


class CellScope:
    """One cell while it runs, on the thread that runs it; on the main thread SIGINT is its stop button.

    Parameters
    ----------
    mark : CellMark
    interrupts : Interrupts
    """

    def __init__(self, mark: CellMark, interrupts: Interrupts) -> None:
        self._mark = mark
        self._interrupts = interrupts
        self._calls = interrupts.calls
        self._on_main = threading.current_thread() is threading.main_thread()
        self._task = _current_task()
        self._lock = threading.Lock()
        self._canceller: Worker | None = None
        self._knocking = False
        self._over = False
        self._pressed_at = 0.0
        self._gave_up = False
        work_for(mark)
        if self._on_main:
            self._calls.deliver = self._deliver
            self._calls.hurry = lambda press: self._interrupts.presses.put((self, press))
            previous = signal.getsignal(signal.SIGINT)
            self._previous = previous.previous if isinstance(previous, LatePresses) else previous
            signal.signal(signal.SIGINT, self._on_signal)

    @property
    def abandoned(self) -> bool:
        """Whether a call was left that had not come back: the JVM may be stuck."""
        return self._gave_up

    def leave(self) -> None:
        """The cell has ended; on the thread that entered. Idempotent."""
        work_for(None)
        with self._lock:
            self._over = True
        if self._on_main:
            self._calls.forget()
            if signal.getsignal(signal.SIGINT) == self._on_signal:
                previous = self._previous or signal.default_int_handler
                late = (
                    LatePresses(previous, self._pressed_at + LATE_SECONDS) if self._pressed_at else previous
                )
                signal.signal(signal.SIGINT, late)

    def new_canceller(self) -> Worker | None:
        """A thread that cancels the cell's jobs; None while one does."""
        if self._canceller is not None and self._canceller.alive:
            return None
        self._canceller = Worker("cancel", self._cancel_jobs, on_death=_died)
        return self._canceller

    def knock(self, press: Press) -> None:
        """The call has not come back in time: have the handler leave it."""
        with self._lock:
            if not press.delivered and not self._over:
                self._knocking = True
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        knocking, self._knocking = self._knocking, False
        if self._calls.press is not None:
            self._gave_up = self._calls.inside
            self._calls.abandon()
            return
        if knocking or self._comes_late(frame):
            return
        if not self._over:
            self._mark.interrupted()
            self._pressed_at = time.monotonic()
            press = self._calls.pressed() if self._calls.inside else None
            self._interrupts.presses.put((self, press))
            if press is not None:
                return
            self._calls.expect_failures()
        self._call_previous(signum, frame)

    def _comes_late(self, frame: FrameType | None) -> bool:
        """Whether a press has just ended the cell's own code; one with ``await`` runs without it on the stack."""
        soon = bool(self._pressed_at) and time.monotonic() < self._pressed_at + LATE_SECONDS
        return soon and self._previous is signal.default_int_handler and not within_cell(frame)

    def _call_previous(self, signum: int, frame: FrameType | None) -> None:
        """What the signal meant before; for a cell with ``await`` it cancels the cell's task."""
        if self._previous is not signal.default_int_handler and callable(self._previous):
            self._previous(signum, frame)
        elif within_libraries(frame):
            raise shortened(KeyboardInterrupt())
        else:
            raise without_us(KeyboardInterrupt())

    def _deliver(self, error: BaseException) -> None:
        """Raise where IPython takes it; in another task of an event loop it would end the whole loop."""
        if _current_task() is self._task:
            raise error
        self._call_previous(signal.SIGINT, None)
        raise asyncio.CancelledError

    def _cancel_jobs(self, stop: StopFlag) -> None:
        while not stop.is_set():
            press = self._calls.press
            if press is not None and self._calls.waits_for_stream:
                self._calls.wake_jvm(press)
            self._interrupts.cancel(self._mark.tag, self._mark.spared)
            passed = time.monotonic() - self._pressed_at
            if passed > CANCEL_AT_MOST:
                return
            if passed > CANCEL_AT_LEAST and self._over and not self._calls.left_behind():
                return
            stop.wait(CANCEL_AGAIN if passed < CANCEL_AT_LEAST else CANCEL_AGAIN_LATER)


class LatePresses:
    """The signal's handler behind a cell that was interrupted: late presses do nothing, others what they did before.

    Parameters
    ----------
    previous : callable or signal.Handlers
        What the signal meant before the cell, and means again after the first press that is not late.
    until : float
        On the monotonic clock.
    """

    def __init__(self, previous: Callable[[int, FrameType | None], Any] | int, until: float) -> None:
        self.previous = previous
        self._until = until

    def __call__(self, signum: int, _frame: FrameType | None) -> None:
        """Take the press, or give it on."""
        if time.monotonic() >= self._until:
            signal.signal(signum, self.previous)
            signal.raise_signal(signum)


def _current_task() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop runs on this thread
        return None


def _died(error: BaseException) -> None:
    """A JVM that is gone has no jobs to cancel; the cell meets the same error by itself."""
    logger.debug("cancelling ended: %s", error)
