"""The main thread's calls into the JVM, ended only where py4j's protocol allows it.

A KeyboardInterrupt in the middle of a call costs the connection: an answer will come that belongs to nobody.
So a signal handler only notes the press, and KeyboardInterrupt is raised when the call has come back, in
place of its answer; or the call is abandoned on purpose, together with its connection.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from sparkk8s_nb.spark.short_trace import shortened

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
        self.hurry: Callable[[Press], None] = _wait
        self.failing_until = 0.0
        self._left_behind: Any = None
        self._silent = False
        self.waking = threading.Lock()
        self.jvm = JvmThread()

    def send(self, command: str, retry: bool, binary: bool) -> Any:
        """Send a command; raise KeyboardInterrupt afterwards if the stop button was pressed meanwhile."""
        if self.inside:
            return self._send(command, retry, binary)
        hurried = self._hurried()
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
        if hurried is not None and not hurried.abandoned:
            self._take_back(hurried)
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
        self._silent = False
        self.deliver = _raise
        self.hurry = _wait

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

    def _hurried(self) -> Press | None:
        """A call on the way out of a cell that has left one: a JVM that hangs must not hold it again.

        Until one has come back, calls are left like the first; the first is a small one that sets the tag.
        """
        if not self._silent:
            return None
        self.press = Press()
        self.hurry(self.press)
        return self.press

    def _take_back(self, press: Press) -> None:
        """The JVM answers: nobody pressed, nothing is interrupted."""
        self._silent = False
        self.press = None
        with self.waking:
            press.delivered = True

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
        self._silent = True
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


def _wait(press: Press) -> None:
    """A call outside of cells may take its time."""


def _raise(error: BaseException) -> None:
    raise error
