"""The stop button: what SIGINT does to a cell that waits for Spark.

A KeyboardInterrupt in the middle of py4j's protocol costs the connection, and leaves the job running. So
while the main thread is inside a call, the signal only cancels the cell's jobs; the call comes back with the
cancelled job's error, and then KeyboardInterrupt is raised in its place: no ``except Exception`` of the user's
can take it. A call that does not come back (it waits for something that is no job, or the JVM hangs) is
abandoned with its connection after ``PATIENCE``, and at once when the user presses again.

Jobs are cancelled again and again while the interrupted cell goes on: the next one of a query, and those that
wait in a thread pool, begin later. What the cell itself begins after the interrupt is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from sparkk8s_nb.spark.attribution import CellMark, work_for
from sparkk8s_nb.spark.short_trace import shortened, within_libraries, without_us
from sparkk8s_nb.telemetry.worker import StopFlag, Worker

logger = logging.getLogger(__name__)

PATIENCE = 0.8
"""Seconds that a call has to come back by itself once its jobs are being cancelled."""

CANCEL_AGAIN = 0.1
CANCEL_AGAIN_LATER = 0.5
CANCEL_AT_LEAST = 2.0
CANCEL_AT_MOST = 600.0
"""Seconds: jobs are cancelled while the interrupted cell goes on, at least and at most so long."""

AFTERMATH = 2.0
"""Seconds after an interrupt during which a cancelled job's error may turn up while the cell is left."""

STREAM_WAITS = frozenset({"awaitTermination", "awaitAnyTermination", "processAllAvailable"})
STREAM_GOES_ON = "The wait ended; the streaming query goes on: query.stop() ends it."


class Abandoned(BaseException):
    """Raised out of the middle of a call; neither py4j nor a user's ``except Exception`` takes it."""


class Press:
    """One press of the stop button that waits for a call to come back."""

    __slots__ = ("abandoned", "at", "delivered", "woke_jvm")

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.abandoned = False
        self.delivered = False
        self.woke_jvm = False


class MainCalls:
    """The main thread's calls into the JVM, one at a time, ended only where the protocol allows it.

    Everything a signal handler may touch is a plain attribute: a handler that waits for a lock which the
    interrupted code holds would wait for ever.

    Parameters
    ----------
    send : callable
        py4j's own ``send_command``.
    client : py4j.clientserver.JavaClient
    """

    def __init__(self, send: Callable[..., Any], client: Any) -> None:
        self._send = send
        self._client = client
        self.inside = False
        self.command = ""
        self.press: Press | None = None
        self.deliver: Callable[[BaseException], None] = _raise
        self.failing_until = 0.0
        self._left_behind: Any = None
        self.waking = threading.Lock()
        self.jvm = JvmThread()

    def send(self, command: str, retry: bool, binary: bool) -> Any:
        """Send a command; raise KeyboardInterrupt afterwards if the stop button was pressed meanwhile."""
        if self.inside:
            return self._send(command, retry, binary)
        answer: Any = None
        error: Exception | None = None
        try:
            try:
                self.command = command
                self.inside = True
                answer = self._send(command, retry, binary)
            finally:
                self.inside = False
        except Abandoned:
            self._drop_connection()
        except Exception as raised:  # noqa: BLE001 - raised again below, unless the stop button is first
            error = raised
        # Outside of the handlers above: whatever was raised in there is no context for a KeyboardInterrupt.
        if self.press is not None:
            self._deliver()
        if error is not None:
            raise error
        if self.failing_until:
            self._watch_aftermath(answer[0] if binary else answer)
        return answer

    @property
    def method(self) -> str:
        """The Java method that is called; empty if the command is no call."""
        parts = self.command.split("\n", 3)
        return parts[2] if len(parts) > 3 and parts[0] == "c" else ""

    @property
    def waits_for_stream(self) -> bool:
        """Whether the call waits for a streaming query, which no cancelled job ends."""
        return self.method in STREAM_WAITS

    def pressed(self) -> Press:
        """From a signal handler, inside a call: remember the press until the call comes back."""
        self.press = Press()
        return self.press

    def abandon(self) -> None:
        """From a signal handler: leave the call, whatever it does."""
        if self.inside and self.press is not None:
            self.press.abandoned = True
            raise Abandoned

    def expect_failures(self) -> None:
        """From a signal handler: the cell is being left, outside of a call."""
        self.failing_until = time.monotonic() + AFTERMATH

    def forget(self) -> None:
        """The cell has ended."""
        self.press = None
        self.failing_until = 0.0
        self.deliver = _raise

    def wake_jvm(self, press: Press) -> None:
        """From another thread: end a wait in the JVM, if the call has not come back already."""
        with self.waking:
            if not (press.delivered or press.abandoned or press.woke_jvm):
                press.woke_jvm = True
                self.jvm.interrupt()

    def _deliver(self) -> None:
        press, self.press = self.press, None
        if press is None:
            return
        error = shortened(KeyboardInterrupt(*[STREAM_GOES_ON] if self.waits_for_stream else []))
        with self.waking:
            press.delivered = True
        if press.woke_jvm and not press.abandoned:
            # One that came too late would end the JVM thread's next wait.
            self.jvm.forget_interrupt()
        self.deliver(error)

    def _watch_aftermath(self, answer: str) -> None:
        """pyspark tidies up on the way out of an interrupt and meets the cancelled job's error there.

        It would take the interrupt's place, and an ``except Exception`` would go on as if nothing had been.
        """
        from py4j.protocol import is_error

        if time.monotonic() > self.failing_until:
            self.failing_until = 0.0
        elif is_error(answer)[0]:
            self.failing_until = 0.0
            self.deliver(shortened(KeyboardInterrupt()))

    def left_behind(self) -> bool:
        """From another thread: whether an abandoned call goes on in the JVM, where it may begin jobs."""
        thread = self._left_behind
        if thread is not None and not thread.isAlive():
            self._left_behind = None
        return self._left_behind is not None

    def _drop_connection(self) -> None:
        """An answer will come that belongs to nobody: the next command gets a new connection."""
        connection = self._client.get_thread_connection()
        self._left_behind = self.jvm.thread
        if connection is not None:
            with contextlib.suppress(ValueError):
                self._client.deque.remove(connection)
            connection.close()


class JvmThread:
    """The JVM's thread that serves the main thread's connection."""

    KEPT = ("spark.scheduler.pool", "spark.jobGroup.id", "spark.job.description")

    def __init__(self) -> None:
        self._thread: Any = None
        self._threads: Any = None
        self._properties: Any = None

    @property
    def thread(self) -> Any:
        """The java.lang.Thread; None before the first command of a cell."""
        return self._thread

    def remember(self, spark: Any) -> None:
        """The connection is new: give it what a user had set on the one before, which was abandoned."""
        context = spark.sparkContext
        if self._properties is not None:
            for key in self.KEPT:
                value = self._properties.getProperty(key)
                if value is not None:
                    context.setLocalProperty(key, value)
            spark._get_j_spark_session_class(context._jvm).setActiveSession(spark._jsparkSession)
        self._properties = context._jsc.sc().getLocalProperties()
        self._threads = context._jvm.java.lang.Thread
        self._thread = self._threads.currentThread()

    def interrupt(self) -> None:
        """End what it waits for."""
        if self._thread is not None:
            self._thread.interrupt()

    def forget_interrupt(self) -> None:
        """On the main thread: the interrupt has done its work, or came too late."""
        if self._threads is not None:
            self._threads.interrupted()


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
            self._previous = signal.getsignal(signal.SIGINT)
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
                signal.signal(signal.SIGINT, self._previous or signal.default_int_handler)

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
        if knocking:
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


def _current_task() -> Any:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop runs on this thread
        return None


def _died(error: BaseException) -> None:
    """A JVM that is gone has no jobs to cancel; the cell meets the same error by itself."""
    logger.debug("cancelling ended: %s", error)


def _raise(error: BaseException) -> None:
    raise error
