"""Jobs belong to the cell that asked for them, or to none: never by guess."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from types import SimpleNamespace
from typing import Any

import pytest

from sparkk8s_nb.spark.attribution import (
    CellMark,
    JobTagger,
    carried_to_threads,
    current_tags,
    work_for,
)
from sparkk8s_nb.telemetry.worker import Worker


@pytest.fixture(autouse=True)
def in_a_context() -> Iterator[None]:
    """What a test works for is forgotten after it."""
    yield
    work_for(None)


@pytest.fixture
def carried() -> Iterator[None]:
    with carried_to_threads():
        yield


def seen_by(start: Callable[[Callable[[], None]], object]) -> tuple[str, ...]:
    """The tags that some code sees which ``start`` has run elsewhere."""
    seen: list[tuple[str, ...]] = []
    done = threading.Event()

    def look() -> None:
        seen.append(current_tags())
        done.set()

    start(look)
    assert done.wait(10)
    return seen[0]


def start_thread(look: Callable[[], None]) -> None:
    threading.Thread(target=look).start()


def test_nobody_works_for_a_cell_at_first():
    """Unknown says unknown."""
    assert current_tags() == ()


def test_jobs_after_an_interrupt_are_told_from_those_before():
    """By one more tag, another one for each interrupt; the cell's own stays."""
    mark = CellMark("s-1")
    assert mark.spared == ""
    mark.interrupted()
    mark.interrupted()
    assert mark.tags == ("s-1", "s-1-after-2")
    assert mark.spared == "s-1-after-2"


def test_a_thread_works_for_the_cell_that_started_it(carried):
    """Also when the next cell runs already."""
    work_for(CellMark("s-1"))
    go_on = threading.Event()
    seen: list[tuple[str, ...]] = []
    thread = threading.Thread(target=lambda: (go_on.wait(10), seen.append(current_tags())))
    thread.start()
    work_for(CellMark("s-2"))
    go_on.set()
    thread.join()
    assert seen == [("s-1",)]


def test_threads_of_threads_work_for_the_same_cell(carried):
    """A program may well start them in two steps."""
    work_for(CellMark("s-1"))
    assert seen_by(lambda look: start_thread(lambda: start_thread(look))) == ("s-1",)


def test_a_pools_task_works_for_the_cell_that_submitted_it(carried):
    """The pool's threads are older, and work for other cells in between."""
    with ThreadPoolExecutor(1) as pool:
        work_for(CellMark("s-1"))
        assert pool.submit(current_tags).result() == ("s-1",)
        work_for(CellMark("s-2"))
        assert list(pool.map(lambda _: current_tags(), range(2))) == [("s-2",)] * 2
        work_for(None)
        assert pool.submit(current_tags).result() == ()


def test_a_pools_task_gets_its_arguments_and_its_error_comes_back(carried):
    """Nothing else about a pool changes."""
    work_for(CellMark("s-1"))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(int, "ff", base=16).result() == 255
        with pytest.raises(ValueError, match="invalid literal"):
            pool.submit(int, "?").result()


def test_threads_that_outlive_cells_work_for_none(carried):
    """A ThreadPool's, and ours."""
    work_for(CellMark("s-1"))
    with ThreadPool(1) as pool:
        assert pool.apply(current_tags) == ()

    def start_worker(look: Callable[[], None]) -> None:
        Worker("example", lambda _: look(), on_death=print).start()

    assert seen_by(start_worker) == ()


def test_tasks_of_an_event_loop_work_for_the_cell_that_made_them():
    """asyncio copies the context, whichever cell runs when the task goes on."""

    async def later() -> tuple[str, ...]:
        await asyncio.sleep(0)
        return current_tags()

    async def cells() -> tuple[str, ...]:
        work_for(CellMark("s-1"))
        task = asyncio.ensure_future(later())
        work_for(CellMark("s-2"))
        return await task

    assert asyncio.run(cells()) == ("s-1",)


def test_an_interrupt_is_seen_by_the_cells_tasks_but_not_by_its_threads(carried):
    """A thread that was started before the interrupt goes on with what was interrupted."""
    mark = CellMark("s-1")
    work_for(mark)
    go_on = threading.Event()
    seen: list[tuple[str, ...]] = []
    thread = threading.Thread(target=lambda: (go_on.wait(10), seen.append(current_tags())))
    thread.start()
    context = contextvars.copy_context()
    mark.interrupted()
    go_on.set()
    thread.join()
    assert seen == [("s-1",)]
    assert context.run(current_tags) == ("s-1", "s-1-after-1")


def test_afterwards_threads_and_pools_are_as_they_were():
    """The very functions."""
    before = (threading.Thread.start, ThreadPoolExecutor.submit)
    with carried_to_threads():
        assert (threading.Thread.start, ThreadPoolExecutor.submit) != before
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before


def test_what_others_patched_meanwhile_stays_and_works(monkeypatch):
    """Ours cannot be taken out from below theirs: it does nothing any more."""
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    started: list[str] = []
    with carried_to_threads():
        ours = threading.Thread.start

        def theirs(thread: threading.Thread) -> None:
            started.append(thread.name)
            ours(thread)

        threading.Thread.start = theirs  # type: ignore[method-assign]
    work_for(CellMark("s-1"))
    assert seen_by(start_thread) == ()
    assert threading.Thread.start is theirs
    assert len(started) == 1


class Jvm:
    """A context and a client that note what they are asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.connection: Any = None
        self.dead = False
        self.press_in = ""

    def get_thread_connection(self) -> Any:
        return self.connection

    def _note(self, *call: Any) -> None:
        if self.dead:
            raise OSError
        if self.connection is None:
            self.connect()
        self.calls.append(call)
        self.tagger.update()  # every call is a command, which passes here as well
        if call[0] == self.press_in:
            self.press_in = ""
            raise KeyboardInterrupt

    def connect(self) -> None:
        class Connection:
            pass

        self.connection = Connection()

    def setInterruptOnCancel(self, on: bool) -> None:
        self._note("interrupt", on)

    def addJobTag(self, tag: str) -> None:
        self._note("+", tag)

    def removeJobTag(self, tag: str) -> None:
        self._note("-", tag)

    @property
    def tagger(self) -> JobTagger:
        return self._tagger

    @classmethod
    def with_tagger(cls) -> Jvm:
        jvm = cls()
        jvm._tagger = JobTagger(jvm, jvm, lambda: jvm.calls.append(("connected",)))
        return jvm

    def command(self) -> list[tuple[Any, ...]]:
        """Tell of a command, and return what was called for it."""
        self.calls.clear()
        self._tagger.update()
        return list(self.calls)


def test_a_cells_first_command_brings_its_tag_and_the_next_ones_nothing():
    """With it, once a connection, the wish that tasks of cancelled jobs end at once."""
    jvm = Jvm.with_tagger()
    work_for(CellMark("s-1"))
    assert jvm.command() == [("interrupt", True), ("connected",), ("+", "s-1")]
    assert jvm.command() == []
    work_for(CellMark("s-2"))
    assert jvm.command() == [("-", "s-1"), ("+", "s-2")]
    work_for(None)
    assert jvm.command() == [("-", "s-2")]
    assert jvm.command() == []


def test_what_works_for_no_cell_costs_nothing():
    """Not one call."""
    jvm = Jvm.with_tagger()
    assert jvm.command() == []


def test_a_new_connection_gets_everything_anew():
    """The JVM has a new thread for it, which knows no tags."""
    jvm = Jvm.with_tagger()
    work_for(CellMark("s-1"))
    jvm.command()
    jvm.connect()
    assert jvm.command() == [("interrupt", True), ("connected",), ("+", "s-1")]
    jvm.connect()
    work_for(CellMark("s-2"))
    assert jvm.command() == [("interrupt", True), ("connected",), ("+", "s-2")]
    jvm.connection = None
    work_for(None)
    assert jvm.command() == []


def test_after_an_interrupt_only_the_new_tag_is_added():
    """The cell's own is there."""
    jvm = Jvm.with_tagger()
    mark = CellMark("s-1")
    work_for(mark)
    jvm.command()
    mark.interrupted()
    assert jvm.command() == [("+", "s-1-after-1")]


def test_a_jvm_that_is_gone_is_the_commands_own_matter():
    """It will say so; and when there is one again, the tag is brought."""
    jvm = Jvm.with_tagger()
    jvm.dead = True
    work_for(CellMark("s-1"))
    assert jvm.command() == []
    jvm.dead = False
    assert ("+", "s-1") in jvm.command()


def test_each_thread_has_tags_of_its_own():
    """As each has a connection of its own."""
    jvm = Jvm.with_tagger()
    work_for(CellMark("s-1"))
    jvm.command()
    other = SimpleNamespace(calls=None)
    thread = threading.Thread(target=lambda: setattr(other, "calls", jvm.command()))
    thread.start()
    thread.join()
    assert other.calls == []


def test_a_tag_whose_call_was_interrupted_stays_on_no_later_cell():
    """The JVM may have it or not: it is taken away, and where it is still wanted given anew."""
    jvm = Jvm.with_tagger()
    mark = CellMark("s-1")
    work_for(mark)
    jvm.command()
    mark.interrupted()
    jvm.press_in = "+"
    with pytest.raises(KeyboardInterrupt):
        jvm.command()
    assert jvm.command() == [("+", "s-1-after-1")]
    assert jvm.command() == []
    mark.interrupted()
    jvm.press_in = "+"
    with pytest.raises(KeyboardInterrupt):
        jvm.command()
    work_for(CellMark("s-2"))
    assert set(jvm.command()) == {("-", "s-1"), ("-", "s-1-after-1"), ("-", "s-1-after-2"), ("+", "s-2")}
    assert jvm.command() == []
