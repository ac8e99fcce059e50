"""Which cell some code works for, and how Spark's jobs come to carry that cell's tag.

A cell is known from where it runs: a context variable, which asyncio tasks inherit. A thread works for the
cell that started it, a task of a thread pool for the cell that submitted it. Whatever else asks Spark for a
job (``multiprocessing.pool.ThreadPool``, whose threads outlive a cell; a widget's callback) works for no cell
that could be known, and its jobs carry no tag.

The tag reaches the JVM's thread with the first command after it changed: a cell without Spark costs nothing.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

ATTRIBUTE = "_sparkk8s_job_tags"
"""Where a thread object remembers the tags of the cell that started it."""

STARTED_BY_OTHERS = ("concurrent.futures", "multiprocessing", "py4j", "sparkk8s_nb")
"""Modules whose threads do not work for the cell that happens to start them."""


class CellMark:
    """One execution of one cell, as the code that works for it carries it along.

    Jobs that begin after an interrupt (a ``finally`` that tidies up, a cell that caught KeyboardInterrupt and
    goes on) carry a second tag, by which the jobs that were interrupted are told from them.

    Parameters
    ----------
    tag : str
        The job tag; Spark does not take a comma in it.

    Examples
    --------
    >>> mark = CellMark("s-7")
    >>> mark.interrupted(); mark.tags
    ('s-7', 's-7-after-1')
    """

    __slots__ = ("interrupts", "tag", "tags")

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.tags: tuple[str, ...] = (tag,)
        self.interrupts = 0

    def interrupted(self) -> None:
        """From now on its jobs are told from the earlier ones. Safe in a signal handler."""
        self.interrupts += 1
        self.tags = (self.tag, f"{self.tag}-after-{self.interrupts}")

    @property
    def spared(self) -> str:
        """The tag of jobs that began after the last interrupt; empty if there was none."""
        return self.tags[-1] if self.interrupts else ""


_mark: ContextVar[CellMark | None] = ContextVar("sparkk8s_cell", default=None)


def work_for(mark: CellMark | None) -> None:
    """What runs in this context works for that cell from now on."""
    _mark.set(mark)


def current_tags() -> tuple[str, ...]:
    """The tags of the cell that the calling code works for; empty if that is not known."""
    mark = _mark.get()
    if mark is not None:
        return mark.tags
    tags: tuple[str, ...] = threading.current_thread().__dict__.get(ATTRIBUTE, ())
    return tags


@contextlib.contextmanager
def carried_to_threads() -> Iterator[None]:
    """While it lasts, threads and tasks of pools work for the cell that starts and submits them.

    What was patched meanwhile by somebody else stays as it is: ours then does nothing any more.
    """
    active = True
    thread_start = threading.Thread.start
    pool_submit = ThreadPoolExecutor.submit

    def start(self: threading.Thread) -> None:
        if active and not _started_by_others(self) and (tags := current_tags()):
            self.__dict__[ATTRIBUTE] = tags
        thread_start(self)

    def submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if active:
            return pool_submit(self, _Task(fn, current_tags()), *args, **kwargs)
        return pool_submit(self, fn, *args, **kwargs)

    threading.Thread.start = start  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        active = False
        if threading.Thread.start is start:
            threading.Thread.start = thread_start  # type: ignore[method-assign]
        if ThreadPoolExecutor.submit is submit:
            ThreadPoolExecutor.submit = pool_submit  # type: ignore[method-assign]


class _Task:
    """A pool's task that works for the cell that submitted it, on whatever thread."""

    __slots__ = ("_fn", "_tags")

    def __init__(self, fn: Callable[..., Any], tags: tuple[str, ...]) -> None:
        self._fn = fn
        self._tags = tags

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = threading.current_thread().__dict__
        before = state.get(ATTRIBUTE, ())
        state[ATTRIBUTE] = self._tags
        try:
            return self._fn(*args, **kwargs)
        finally:
            state[ATTRIBUTE] = before


def _started_by_others(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    modules = (type(thread).__module__, getattr(target, "__module__", None) or "")
    return any(module.startswith(STARTED_BY_OTHERS) for module in modules)


class JobTagger:
    """Brings the tags of a thread's jobs up to date before its next command.

    Parameters
    ----------
    context : SparkContext
    client : py4j.clientserver.JavaClient
        It has one connection a thread, and the JVM one thread a connection: a new connection has no tags.
    on_connection : callable
        Called on a thread whose connection is new, before its first tag.
    """

    def __init__(self, context: Any, client: Any, on_connection: Callable[[], object]) -> None:
        self._context = context
        self._client = client
        self._on_connection = on_connection
        self._local = _Applied()

    def update(self) -> None:
        """Have the jobs of this thread's next command carry the tags of its cell."""
        applied, wanted = self._local, current_tags()
        as_wanted = wanted == applied.tags and not applied.unsure
        if applied.busy or (as_wanted and (not wanted or self._same_connection())):
            return
        from py4j.protocol import Py4JError

        applied.busy = True
        try:
            self._apply(applied.tags if self._same_connection() else None, wanted)
        except (Py4JError, OSError, AttributeError):
            # The JVM is gone, or the context is stopped: the command that follows will say so itself.
            pass
        else:
            applied.tags = wanted
            applied.unsure.clear()
            connection = self._client.get_thread_connection()
            applied.connection = _no_connection if connection is None else weakref.ref(connection)
        finally:
            applied.busy = False

    def _same_connection(self) -> bool:
        connection = self._client.get_thread_connection()
        return connection is not None and self._local.connection() is connection

    def _apply(self, before: tuple[str, ...] | None, wanted: tuple[str, ...]) -> None:
        context = self._context
        if before is None and wanted:
            # Tasks of a cancelled job end at once, also those that sleep or wait for a Python worker.
            context.setInterruptOnCancel(True)
            self._on_connection()
        # The stop button may end any of these calls: what it did to a tag is then not known.
        unsure = self._local.unsure
        for tag in {**dict.fromkeys(before or ()), **dict.fromkeys(tuple(unsure))}:
            if tag not in wanted:
                unsure.add(tag)
                context.removeJobTag(tag)
        for tag in wanted:
            if tag not in (before or ()) or tag in unsure:
                unsure.add(tag)
                context.addJobTag(tag)


def _no_connection() -> None:
    return None


class _Applied(threading.local):
    """What a thread's connection has."""

    busy = False
    tags: tuple[str, ...] = ()
    connection: Callable[[], Any] = staticmethod(_no_connection)

    def __init__(self) -> None:
        self.unsure: set[str] = set()
