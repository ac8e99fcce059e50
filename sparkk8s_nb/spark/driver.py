"""The driver: a SparkContext in a JVM of this kernel (the :class:`~sparkk8s_nb.ports.Driver` protocol)."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from sparkk8s_nb.errors import DriverError
from sparkk8s_nb.model.drained import Drained
from sparkk8s_nb.model.executors import ExecutorStatus
from sparkk8s_nb.ports import SparkStatus
from sparkk8s_nb.processes import ProcessId, is_alive
from sparkk8s_nb.spark import pyspark_hooks, pyspark_state
from sparkk8s_nb.spark.active_jobs import ActiveJobs
from sparkk8s_nb.spark.activity import ActivityListener, attach_listener
from sparkk8s_nb.spark.calls import EVERY_CELL, JvmCalls
from sparkk8s_nb.spark.gateway import LaunchedJvm
from sparkk8s_nb.spark.interrupt import CellScope
from sparkk8s_nb.spark.local_writes import LocalWrites
from sparkk8s_nb.spark.new_session import first_line
from sparkk8s_nb.spark.status_store import StatusStore

logger = logging.getLogger(__name__)


class SparkDriver:
    """A running driver. Made by :class:`~sparkk8s_nb.spark.launching.LaunchingSparkDriver`."""

    def __init__(
        self,
        jvm: LaunchedJvm,
        spark: Any,
        environment: pyspark_state.Environment,
        writes: LocalWrites | None = None,
        warnings: Sequence[str] = (),
    ) -> None:
        self._jvm = jvm
        self._writes = writes
        self._spark = spark
        self._environment = environment
        self._context = spark.sparkContext
        server = getattr(self._context, "_accumulatorServer", None)
        if server is not None:
            # A JVM that ends leaves its connection to this server half open, which would print a trace.
            server.handle_error = lambda *_: None
        self._store: StatusStore | None = None
        self._calls = JvmCalls(spark, self._cancel_jobs, guarded=writes is not None)
        self._hooks: ExitStack | None = None
        self._listener: ActivityListener | None = None
        self._attaching = threading.Lock()
        self.without_listener = ""
        self.warnings: Sequence[str] = tuple(warnings)
        self.app_id: str = self._context.applicationId
        self.ui_url: str = _ui_url(self._context)
        """Where the Spark UI listens on this machine; empty without one."""

    @property
    def process(self) -> ProcessId:
        """The JVM."""
        return self._jvm.process

    @property
    def spark(self) -> Any:
        """The SparkSession."""
        return self._spark

    def hook(self, on_stop: Callable[[], object]) -> None:
        """Make ``spark.stop()`` stop the whole session."""
        self._hooks = pyspark_hooks.install(self._spark, on_stop)
        if self._writes is not None:
            self._hooks.enter_context(self._writes.guarded_rdds())
        self._calls.install()
        self._hooks.callback(self._calls.close)

    def status(
        self, tags: Sequence[str] = (), jobs: Sequence[int] = (), *, streams: bool = False
    ) -> SparkStatus:
        """One reading of the status store: dearer than :meth:`executors` and :meth:`drain`."""
        with self._translated("read Spark's status"):
            return self._status_store().read(tags, jobs, streams=streams)

    def _status_store(self) -> StatusStore:
        with self._attaching:
            if self._store is None:
                self._store = StatusStore(self._spark)
            return self._store

    def executors(self) -> tuple[ExecutorStatus, ...]:
        """What Spark says of every executor, living and dead."""
        with self._translated("read Spark's executors"):
            listener = self._attached()
            if listener is not None:
                return listener.executors()
        return self.status().executors

    def request_executors(self, total: int) -> None:
        """Set the number of executors that Spark's backend keeps asking for."""
        with self._translated("ask for executors"):
            python_utils = self._context._jvm.org.apache.spark.api.python.PythonUtils
            self._context._jsc.sc().requestTotalExecutors(total, 0, python_utils.toScalaMap({}))

    def retire_executors(self, ids: Sequence[str], *, busy: bool) -> None:
        """End idle executors now; decommission busy ones, which end after their tasks.

        What Spark keeps asking for stays as it is. That number is set first: with Spark's own adjustment each
        executor given back would count twice, and one that dies later would not be replaced.
        """
        with self._translated("give executors back"):
            backend = self._context._jsc.sc().schedulerBackend()
            jvm = self._context._jvm
            if not busy:
                adjust_target, count_failures, force = False, False, False
                backend.killExecutors(_scala_seq(jvm, ids), adjust_target, count_failures, force)
                return
            info = jvm.org.apache.spark.scheduler.ExecutorDecommissionInfo(
                "scaled down", jvm.scala.Option.empty()
            )
            adjust_target, triggered_by_executor = False, False
            for executor in ids:
                backend.decommissionExecutor(executor, info, adjust_target, triggered_by_executor)

    def drain(self) -> Drained | None:
        """What the listener has seen since the last call; the first call attaches it."""
        with self._translated("read Spark's tasks"):
            listener = self._attached()
            return listener.drain() if listener is not None else None

    def _attached(self) -> ActivityListener | None:
        """The listener; None where this JVM cannot load it, and :attr:`without_listener` says why."""
        from py4j.protocol import Py4JError

        with self._attaching:
            if self._listener is None and not self.without_listener:
                try:
                    self._listener = attach_listener(self._context)
                except Py4JError as error:
                    if not is_alive(self.process):
                        raise
                    logger.debug("no listener", exc_info=True)
                    self.without_listener = f"Details of tasks are missing: {first_line(error)}"
            return self._listener

    def cancel(self, tag: str) -> int:
        """Cancel the jobs that carry a tag, but not those of streaming queries; returns how many."""
        self._calls.explain_cancelled(tag)
        return self._cancel_jobs(tag)

    def _cancel_jobs(self, tag: str, spared: str = "") -> int:
        """Cancel the jobs with one tag and without the other."""
        with self._translated("cancel jobs"):
            return ActiveJobs(self._context).cancel(tag, spared)

    def cancel_all(self) -> int:
        """Cancel every job; returns how many ran."""
        self._calls.explain_cancelled(EVERY_CELL)
        with self._translated("cancel jobs"):
            running = ActiveJobs(self._context).count
            self._context.cancelAllJobs()
            return running

    def enter_cell(self, tag: str) -> CellScope:
        """What the calling thread does from now on is that cell's; on the main thread SIGINT interrupts it."""
        return self._calls.enter_cell(tag)

    def stop(self, timeout: float) -> bool:
        """Stop Spark, for at most ``timeout`` seconds, then end the JVM and put pyspark back.

        Returns whether Spark had stopped by then; one whose JVM is gone has.
        """
        if self._hooks is not None:
            self._hooks.close()
            self._hooks = None
        stopped = False
        try:
            stopped = not is_alive(self.process) or self._stop_context(timeout)
        finally:  # an interrupt too: the next start must find pyspark as in a fresh process
            self._forget_context()
            self._jvm.end(grace=3 if stopped else 0.5)
            pyspark_state.reset_class_state()
            self._environment.put_back()
        return stopped

    def _stop_context(self, timeout: float) -> bool:
        """Call Spark's stop on a thread of its own: a stuck JVM must not hold the caller."""
        context = self._context._jsc

        def stop() -> None:
            # whatever it is (a dying JVM closes its sockets in any order), the JVM is ended next
            with contextlib.suppress(Exception):
                context.stop()

        stopper = threading.Thread(target=stop, name="sparkk8s-stop", daemon=True)
        stopper.start()
        stopper.join(timeout)
        return not stopper.is_alive()

    def _forget_context(self) -> None:
        """What SparkContext.stop does on Python's side, without a JVM to ask."""
        self._context._jsc = None
        # pyspark's own stop, called once more, would ask a JVM that is gone, and make the context of the
        # next session look stopped.
        self._spark.stop = self._context.stop = _nothing
        server = getattr(self._context, "_accumulatorServer", None)
        if server is not None:
            server.shutdown()
            server.server_close()
            self._context._accumulatorServer = None

    @contextlib.contextmanager
    def _translated(self, doing: str) -> Any:
        """Turn whatever py4j raises into one clear error."""
        from py4j.protocol import Py4JError

        try:
            yield
        except (Py4JError, OSError, AttributeError) as error:
            if isinstance(error, AttributeError) and self._context._jsc is not None:
                raise
            state = "lives" if is_alive(self.process) else "is gone"
            raise DriverError(
                f"Could not {doing}: the driver JVM {state}.",
                fix="Look at %sparkk8s logs driver, then start again.",
            ) from error


def _ui_url(context: Any) -> str:
    web = context._jsc.sc().uiWebUrl()
    return f"http://127.0.0.1:{str(web.get()).rpartition(':')[2]}" if web.isDefined() else ""


def _nothing() -> None:
    """The stop of what has been stopped."""


def _scala_seq(jvm: Any, items: Sequence[str]) -> Any:
    return jvm.org.apache.spark.api.python.PythonUtils.toSeq(list(items))
