"""Every command to the JVM passes here: tagged for its cell, with its line, interruptible, our own errors explained."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from sparkk8s_nb.errors import JobsCancelledError
from sparkk8s_nb.spark.attribution import CellMark, JobTagger, carried_to_threads, current_tags
from sparkk8s_nb.spark.call_sites import CallSites
from sparkk8s_nb.spark.interrupt import CellScope, Interrupts
from sparkk8s_nb.spark.local_writes import unshared_path
from sparkk8s_nb.spark.main_calls import MainCalls

EVERY_CELL = ""


class JvmCalls:
    """Stands in for the ``send_command`` of a session's py4j client, through which all its objects call.

    Parameters
    ----------
    spark : SparkSession
    cancel : callable
        ``cancel(tag, spared)`` cancels the active jobs with one tag but without the other.
    guarded : bool
        Whether the JVM refuses writes to local paths: its errors are then looked at.
    """

    def __init__(self, spark: Any, cancel: Callable[[str, str], object], *, guarded: bool = False) -> None:
        self._guarded = guarded
        self._spark = spark
        context = spark.sparkContext
        self._client = context._gateway._gateway_client
        self._send = self._client.send_command
        self._main = MainCalls(self._send, self._client)
        self._interrupts = Interrupts(self._main, cancel)
        self._tagger = JobTagger(context, self._client, self._on_connection)
        self._sites = CallSites(context, self._client)
        self._cancelled: set[str] = set()
        self._kept = threading.local()
        self._undo = ExitStack()

    def install(self) -> None:
        """Begin."""
        self._interrupts.start()
        self._undo.callback(self._interrupts.stop)
        self._undo.enter_context(carried_to_threads())
        self._client.send_command = self
        self._undo.callback(self._uninstall)

    def close(self) -> None:
        """Be gone, as if never there."""
        self._undo.close()

    def _uninstall(self) -> None:
        if self._client.__dict__.get("send_command") is self:
            # What was there before says in two lines that the JVM is gone, also when the session has ended.
            self._client.send_command = self._send

    def enter_cell(self, tag: str) -> CellScope:
        """What the calling thread does from now on is that cell's; it can be interrupted."""
        return CellScope(CellMark(tag), self._interrupts)

    def explain_cancelled(self, tag: str) -> None:
        """The jobs of a tag (of every cell, if empty) are being cancelled: their errors say so shortly."""
        self._cancelled.add(tag)

    def __call__(self, command: str, retry: bool = True, binary: bool = False) -> Any:
        """``send_command`` of py4j, with its signature."""
        if threading.current_thread() is not threading.main_thread():
            self._tagger.update()
            self._sites.update(command)
            answer = self._send(command, retry, binary)
        elif self._main.inside:
            return self._send(command, retry, binary)
        else:
            self._tagger.update()
            self._sites.update(command)
            answer = self._main.send(command, retry, binary)
        if (self._cancelled or self._guarded) and not binary:
            self._explain(answer)
        return answer

    def _on_connection(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._main.jvm.remember(self._spark)

    def _explain(self, answer: str) -> None:
        """Raise a short error in place of the trace of sixty lines that a cancelled job or a refused write has.

        Raises
        ------
        JobsCancelledError, UnsharedPathError
        """
        from py4j.protocol import Py4JError, get_return_value, is_error

        cancelled = EVERY_CELL in self._cancelled or not self._cancelled.isdisjoint(current_tags())
        if not (cancelled or self._guarded) or not is_error(answer)[0] or getattr(self._kept, "busy", False):
            return
        self._kept.busy = True
        try:
            get_return_value(answer, self._client)
        except Py4JError as error:
            # py4j makes a second object for the same answer: the first must not release what both stand for.
            self._kept.error = error
            if self._guarded and (unshared := unshared_path(error)) is not None:
                raise unshared from error
            problem = _cancelled_job(error) if cancelled else ""
            if problem:
                raise JobsCancelledError(problem, fix="Run the cell again to start over.") from error
        finally:
            self._kept.busy = False


def _cancelled_job(error: Exception) -> str:
    """Spark's own line about a job that was cancelled; empty for any other error."""
    cause = getattr(error, "java_exception", None)
    while cause is not None:
        line = str(cause.getMessage() or "").partition("\n")[0]
        if "cancelled" in line:
            return line
        cause = cause.getCause()
    return ""
