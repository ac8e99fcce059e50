"""What happens around every cell: its jobs get its tag, its progress a place to be shown."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.model.progress import CellRef, Progress
from sparkk8s_nb.session.registry import Registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.show import CellContext, Shown, show_progress

logger = logging.getLogger(__name__)

SHOW_AFTER = 0.5
"""Seconds that a cell's first job runs before its progress is shown: quick cells show nothing."""

NEXT_LOOK = 5.0

COMMAND_CELL = re.compile(r"\s*(%sparkk8s\b[^\n]*|%%sparkk8s\b.*?)\s*", re.DOTALL)


class CellHooks:
    """The hooks of one IPython shell.

    Parameters
    ----------
    ip : InteractiveShell
    registry : Registry
    """

    def __init__(self, ip: Any, registry: Registry) -> None:
        self._ip = ip
        self._registry = registry
        self._cell: RunningCell | None = None

    def register(self) -> None:
        """Begin to be called."""
        self._ip.events.register("pre_run_cell", self.before_cell)
        self._ip.events.register("post_run_cell", self.after_cell)

    def unregister(self) -> None:
        """Never be called again."""
        self._ip.events.unregister("pre_run_cell", self.before_cell)
        self._ip.events.unregister("post_run_cell", self.after_cell)

    def before_cell(self, info: Any = None) -> None:
        """Give the cell's jobs their tag, and have its progress followed."""
        session = self._registry.current
        if session is None or session.state.over or _is_command(getattr(info, "raw_cell", None) or ""):
            return
        cell_id = getattr(info, "cell_id", None) or ""
        self.begin(session, cell_id)

    def begin(self, session: Session, cell_id: str = "") -> None:
        """A cell begins, or the session does in the middle of one."""
        count = int(getattr(self._ip, "execution_count", 0))
        ref = CellRef(tag=self.tag_of(session, count), count=count, cell_id=cell_id)
        if not session.answers():
            # Tagging would wait as long as the JVM is stuck; the cell will, if it needs Spark.
            self._cell = None
            return
        try:
            self._cell = RunningCell(session, ref, CellContext.capture())
        except SparkK8sError:
            # The driver is gone: the cell will say so itself if it needs Spark.
            self._cell = None

    @staticmethod
    def tag_of(session: Session, count: int) -> str:
        """The job tag of one execution of a cell."""
        return f"{session.spec.name}-cell-{count}"

    def after_cell(self, _result: Any = None) -> None:
        """The cell has ended: its last numbers stay, its tag goes."""
        cell, self._cell = self._cell, None
        if cell is not None:
            cell.end()


def _is_command(source: str) -> bool:
    """Whether a cell is one of our commands alone: it has no jobs, and ``stop`` works on a stuck JVM too."""
    return COMMAND_CELL.fullmatch(source) is not None


class RunningCell:
    """One cell while it runs, with a thread that shows its progress once it has run for a moment."""

    def __init__(self, session: Session, ref: CellRef, context: CellContext) -> None:
        self._session = session
        self._ref = ref
        self._context = context
        self._shown: Shown | None = None
        self._lock = threading.Lock()
        session.driver.tag_thread(ref.tag)
        session.follow_cell(ref)
        self._watcher: Worker | None = None
        if session.spec.progress:
            self._watcher = Worker("cell", self._watch, on_death=self._died)
            self._watcher.start()

    def end(self) -> None:
        """Show the last numbers, if any were shown."""
        session = self._session
        if self._watcher is not None:
            self._watcher.request_stop()
            if not session.closed:
                session.progress_feed.wake()
            self._watcher.stop(timeout=2)
        if session.closed or session.state.over or not session.answers():
            self._finish("")
            return
        try:
            if self._shown is not None:
                final = session.final_progress()
                self._finish(final.summary(session.fleet.ready))
            session.follow_cell(None)
            session.driver.tag_thread("", previous=self._ref.tag)
        except SparkK8sError:
            self._finish("")

    def _finish(self, summary: str) -> None:
        with self._lock:
            if self._shown is not None:
                self._shown.finish(summary)

    def _watch(self, stop: StopFlag) -> None:
        feed = self._session.progress_feed
        version = -1
        while not stop.is_set() and not feed.closed:
            version, progress = feed.wait_newer(version, NEXT_LOOK, until=stop.is_set)
            if self._old_enough(progress):
                with self._lock:
                    if not stop.is_set():
                        self._shown = show_progress(
                            feed, context=self._context, executors=lambda: self._session.fleet.ready
                        )
                return

    def _old_enough(self, progress: Progress) -> bool:
        mine = progress.cell is not None and progress.cell.tag == self._ref.tag
        return mine and bool(progress.jobs) and time.time() - progress.started > SHOW_AFTER

    @staticmethod
    def _died(error: BaseException) -> None:
        """No view is better than a broken cell; the numbers are still in ``session.progress``."""
        logger.warning("the progress view of this cell ended: %s", error)
