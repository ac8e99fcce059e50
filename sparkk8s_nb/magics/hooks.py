"""What happens around every cell: its jobs get its tag, its progress a place to be shown."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
import zlib
from typing import Any

from IPython.core.displayhook import CapturingDisplayHook

from sparkk8s_nb.errors import SparkK8sError
from sparkk8s_nb.magics.live_session import view_info
from sparkk8s_nb.model.progress import CellRef, JobState, Progress
from sparkk8s_nb.session.registry import Registry
from sparkk8s_nb.session.session import Session
from sparkk8s_nb.telemetry.worker import StopFlag, Worker
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.show import CellContext, Shown, show_progress

logger = logging.getLogger(__name__)

SHOW_AFTER = 0.1
"""Seconds that a cell's first job runs before its progress is shown: what is quicker seems to take no time."""

QUICK = 0.5
"""Seconds from the first job's start to the last one's end: where it was less nothing stays to be seen."""

STREAMS_AFTER = 2.0
"""Seconds after which a cell without jobs shows the streaming queries that run beside it: it may wait for one."""

NEXT_LOOK = 5.0

PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

COMMAND_CELL = re.compile(r"\s*(%sparkk8s\b[^\n]*|%%sparkk8s\b.*?)\s*", re.DOTALL)


class CellHooks:
    """The hooks of one IPython shell.

    Cells nest (``%run`` of a notebook and ``%%capture`` run cells inside of one): the jobs of inner ones are
    the outermost one's. A subshell's cells run beside the others, on a thread of its own, with a progress of
    their own.

    Parameters
    ----------
    ip : InteractiveShell
    registry : Registry
    buttons : ActionWorker, optional
        Takes what the views' buttons want done.
    """

    def __init__(self, ip: Any, registry: Registry, buttons: ActionWorker | None = None) -> None:
        self._ip = ip
        self._registry = registry
        self._buttons = buttons
        self._thread = _OfThisThread()
        self._tags: set[str] = set()

    def register(self) -> None:
        """Begin to be called."""
        self._ip.events.register("pre_run_cell", self.before_cell)
        self._ip.events.register("post_run_cell", self.after_cell)
        self._registry.listen(self._session_began)

    def unregister(self) -> None:
        """Never be called again."""
        self._ip.events.unregister("pre_run_cell", self.before_cell)
        self._ip.events.unregister("post_run_cell", self.after_cell)
        self._registry.unlisten(self._session_began)

    def before_cell(self, info: Any = None) -> None:
        """Give the cell's jobs their tag, and have its progress followed."""
        here = self._thread
        here.cells.append(info)
        if len(here.cells) > 1:
            return
        here.count = self._count(stored=False)
        session = self._registry.current
        if session is None or session.state.over or _is_command(getattr(info, "raw_cell", None) or ""):
            return
        self.begin(session)

    def _session_began(self, session: Session) -> None:
        """In the middle of a cell; a user's thread, a startup file and a widget's callback are in none."""
        if self._thread.cells or self._in_unseen_cell():
            self.begin(session)

    def _in_unseen_cell(self) -> bool:
        """Whether the main thread runs a cell that began before there were hooks: the one that loads them.

        IPython puts a display hook of its own in place while a cell runs, another one for ``%%capture``. What
        begins outside of a cell would be ended by none, and every later cell would count as one inside of it.
        """
        if threading.current_thread() is not threading.main_thread():
            return False
        return sys.displayhook is self._ip.displayhook or isinstance(sys.displayhook, CapturingDisplayHook)

    def begin(self, session: Session) -> None:
        """A cell begins, or the session does in the middle of one."""
        here = self._thread
        self._end(here)
        if not here.cells:
            # The cell that loads the extension began before there were hooks.
            here.cells.append(None)
            here.count = self._count(stored=True)
        count = here.count
        cell_id = getattr(here.cells[0], "cell_id", None) or self._requested_cell()
        ref = CellRef(tag=self._new_tag(session, count, cell_id), count=count, cell_id=cell_id)
        beside = threading.current_thread() is not threading.main_thread()
        # A driver that is gone: the cell will say so itself if it needs Spark.
        with contextlib.suppress(SparkK8sError):
            here.running = RunningCell(session, ref, CellContext.capture(), self._buttons, beside=beside)

    def after_cell(self, result: Any = None) -> None:
        """The cell has ended: its last numbers stay, its tag goes."""
        here = self._thread
        info = getattr(result, "info", None)
        if info is not None and not (info.raw_cell or "").strip():
            return  # an empty cell ends without having begun
        known = any(info is cell for cell in here.cells)
        while here.cells and here.cells.pop() is not info and known:
            pass
        if not here.cells:
            self._end(here)

    def _end(self, here: _OfThisThread) -> None:
        cell, here.running = here.running, None
        if cell is not None:
            cell.end()

    def _requested_cell(self) -> str:
        """The front end's id of the cell that it asked to run; empty where there is none."""
        get_parent = getattr(self._ip, "get_parent", None)
        request = get_parent() if get_parent is not None else {}
        return str(request.get("metadata", {}).get("cellId") or "")

    def _count(self, *, stored: bool) -> int:
        """The number in the running cell's brackets.

        Versions of IPython differ in when they count on; the history has one input a number, from 0.
        """
        return len(self._ip.history_manager.input_hist_parsed) - stored

    def _new_tag(self, session: Session, count: int, cell_id: str) -> str:
        """The job tag of one execution of a cell; another one for every execution."""
        base = tag = "-".join(filter(None, [session.spec.name, "cell", _short(cell_id), str(count)]))
        again = 1
        while tag in self._tags:
            again += 1
            tag = f"{base}-{again}"
        self._tags.add(tag)
        return tag


class _OfThisThread(threading.local):
    """The cells that run on a thread, the outermost first, and what we do for it."""

    def __init__(self) -> None:
        self.cells: list[Any] = []
        self.count = 0
        self.running: RunningCell | None = None


def _short(cell_id: str) -> str:
    """A cell's id as it may stand in a tag: Spark takes no comma there, and some front ends use a path."""
    if not cell_id or PLAIN_ID.fullmatch(cell_id):
        return cell_id
    return f"{zlib.crc32(cell_id.encode()):08x}"


def _is_command(source: str) -> bool:
    """Whether a cell is one of our commands alone: it has no jobs, and ``stop`` works on a stuck JVM too."""
    return COMMAND_CELL.fullmatch(source) is not None


class RunningCell:
    """One cell while it runs, with a thread that shows its progress once it has run for a moment.

    Parameters
    ----------
    session : Session
    ref : CellRef
    context : CellContext
        Where its output goes.
    buttons : ActionWorker or None
        Takes what its view's buttons want done.
    beside : bool
        Whether it runs beside the main one, in a subshell: the session's progress is not its own.
    """

    def __init__(
        self,
        session: Session,
        ref: CellRef,
        context: CellContext,
        buttons: ActionWorker | None,
        *,
        beside: bool,
    ) -> None:
        self._session = session
        self._ref = ref
        self._context = context
        self._buttons = buttons
        self._shown: Shown | None = None
        self._lock = threading.Lock()
        self._watcher: Worker | None = None
        self._began = time.time()
        self._scope = session.driver.enter_cell(ref.tag)
        try:
            self._followed = session.follow_cell(ref, beside=beside)
        except SparkK8sError:
            self._scope.leave()
            raise
        if session.spec.progress:
            self._watcher = Worker("cell", self._watch, on_death=self._died)
            self._watcher.start()

    def end(self) -> None:
        """Show the last numbers, if any were shown and the jobs were not so quick that nobody asks for them."""
        try:
            self._finish(self._last_numbers())
        except KeyboardInterrupt:
            # Pressed when the cell itself had ended: there is nothing left to stop but this.
            self._finish(None)
        finally:
            self._scope.leave()

    def _last_numbers(self) -> Progress | None:
        session = self._session
        if self._watcher is not None:
            self._watcher.request_stop()
            self._followed.feed.wake()
            self._watcher.stop(timeout=2)
        if session.closed or session.state.over:
            return None
        last = None
        try:
            # After an interrupt that the JVM did not answer, nobody waits for its numbers.
            if self._shown is not None and not self._scope.abandoned and session.answers():
                last = self._followed.final()
        except SparkK8sError:
            logger.debug("the cell's last numbers could not be read", exc_info=True)
        self._followed.end()
        return last

    def _finish(self, last: Progress | None) -> None:
        with self._lock:
            if self._shown is None:
                return
            if last is not None and _was_quick(last):
                self._shown.withdraw()
            else:
                self._shown.finish(last.summary(self._session.fleet.ready) if last is not None else "")

    def _watch(self, stop: StopFlag) -> None:
        feed = self._followed.feed
        version, due = -1, NEXT_LOOK
        while not stop.is_set() and not feed.closed:
            version, progress = feed.wait_newer(version, min(due, NEXT_LOOK), until=stop.is_set)
            due = self._due(progress)
            if due <= 0:
                with self._lock:
                    if not stop.is_set():
                        self._shown = show_progress(
                            feed,
                            view_info(self._session),
                            actions=self._buttons,
                            context=self._context,
                            executors=lambda: self._session.fleet.ready,
                        )
                return

    def _due(self, progress: Progress) -> float:
        """Seconds until a progress is to be shown; jobs that have ended by then were quick, and may be all."""
        if progress.cell is None or progress.cell.tag != self._ref.tag:
            return NEXT_LOOK
        if progress.jobs:
            running = progress.state is JobState.RUNNING
            return progress.started + (SHOW_AFTER if running else NEXT_LOOK) - time.time()
        return self._began + STREAMS_AFTER - time.time() if progress.streams.running else NEXT_LOOK

    @staticmethod
    def _died(error: BaseException) -> None:
        """No view is better than a broken cell; the numbers are still in ``session.progress``."""
        logger.warning("the progress view of this cell ended: %s", error)


def _was_quick(last: Progress) -> bool:
    """Whether a cell's jobs were over before anybody could ask for their numbers, and no stream runs beside them."""
    timed = last.started > 0 and last.ended > 0
    alone = not last.streams.running
    return last.state is JobState.SUCCEEDED and timed and alone and last.seconds < QUICK
