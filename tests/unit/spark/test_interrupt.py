"""A signal ends what a cell waits for, at a place where the protocol allows it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from sparkk8s_nb.spark import interrupt, main_calls
from sparkk8s_nb.spark.attribution import CellMark, current_tags
from sparkk8s_nb.spark.interrupt import CellScope, Interrupts
from sparkk8s_nb.spark.main_calls import MainCalls, Press
from tests.eventually import until

OK = "yv"
FAILED = "xro7"


class Jvm:
    """A client whose commands take as long as ``during`` takes."""

    def __init__(self) -> None:
        self.deque: list[Any] = []
        self.closed = False
        self.during: Callable[[], object] = lambda: None
        self.answer = OK
        self.sent: list[str] = []
        self.connection = SimpleNamespace(close=self._close)

    def _close(self) -> None:
        self.closed = True

    def get_thread_connection(self) -> Any:
        return self.connection

    def send(self, command: str, retry: bool, binary: bool) -> Any:
        self.sent.append(command)
        self.during()
        return (self.answer, None) if binary else self.answer


class Thread:
    """The JVM's thread, for a wait that an interrupt ends."""

    def __init__(self) -> None:
        self.interrupted = threading.Event()
        self.forgot = 0

    def interrupt(self) -> None:
        self.interrupted.set()

    def forget_interrupt(self) -> None:
        self.forgot += 1


class World:
    """One driver with its main calls, and a record of what was cancelled."""

    def __init__(self) -> None:
        self.jvm = Jvm()
        self.calls = MainCalls(self.jvm.send, self.jvm)
        self.cancelled: list[tuple[str, str]] = []
        self.cancelling = threading.Event()
        self.interrupts = Interrupts(self.calls, self._cancel)
        self.interrupts.start()

    def _cancel(self, tag: str, spared: str) -> None:
        self.cancelled.append((tag, spared))
        self.cancelling.set()

    def enter(self) -> CellScope:
        return CellScope(CellMark("s-1"), self.interrupts)

    def send(self, command: str = "c\no1\ncount\ne\n") -> Any:
        return self.calls.send(command, True, False)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    handler = signal.getsignal(signal.SIGINT)
    yield world
    signal.signal(signal.SIGINT, handler)
    world.interrupts.stop()


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_commands_pass_as_they_are(world):
    """Answer, arguments and errors."""
    assert world.send("c\no1\ncount\ne\n") == OK
    assert world.calls.send("x", True, True) == (OK, None)
    world.jvm.during = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        world.send()
    assert not world.calls.inside


def test_a_cells_scope_takes_the_signal_and_gives_it_back(world):
    """And the context works for the cell meanwhile."""
    before = signal.getsignal(signal.SIGINT)
    scope = world.enter()
    assert signal.getsignal(signal.SIGINT) != before
    assert current_tags() == ("s-1",)
    scope.leave()
    scope.leave()
    assert signal.getsignal(signal.SIGINT) == before
    assert current_tags() == ()


def test_a_handler_that_the_user_set_meanwhile_stays(world):
    """It is not ours to take away."""

    def theirs(*_: object) -> None:
        pass

    scope = world.enter()
    signal.signal(signal.SIGINT, theirs)
    scope.leave()
    assert signal.getsignal(signal.SIGINT) is theirs


def test_a_press_outside_of_calls_interrupts_at_once_and_cancels(world):
    """What was begun before; what begins now is spared."""
    scope = world.enter()
    with pytest.raises(KeyboardInterrupt):
        press()
    assert world.cancelling.wait(10)
    assert world.cancelled[0] == ("s-1", "s-1-after-1")
    assert current_tags() == ("s-1", "s-1-after-1")
    scope.leave()


def test_a_press_within_a_call_waits_for_its_answer(world):
    """The connection stays whole; KeyboardInterrupt comes in the answer's place, shown by the user's line."""
    scope = world.enter()
    come_back = threading.Event()

    def during() -> None:
        press()
        assert world.cancelling.wait(10)
        come_back.set()

    world.jvm.during = during
    world.jvm.answer = FAILED
    with pytest.raises(KeyboardInterrupt) as caught:
        world.send()
    assert come_back.is_set()
    assert not world.jvm.closed
    assert not scope.abandoned
    assert "cancelled" in "\n".join(caught.value._render_traceback_())
    scope.leave()


def test_the_interrupt_wins_over_an_error_of_the_connection(world):
    """An ``except Exception`` around the call must not go on."""
    scope = world.enter()

    def during() -> None:
        press()
        raise OSError

    world.jvm.during = during
    with pytest.raises(KeyboardInterrupt) as caught:
        world.send()
    assert caught.value.__context__ is None
    scope.leave()


def test_a_second_press_leaves_the_call_with_its_connection(world):
    """The answer that still comes would be the next command's."""
    scope = world.enter()

    def during() -> None:
        press()
        press()
        pytest.fail("the call was not left")

    world.jvm.during = during
    with pytest.raises(KeyboardInterrupt):
        world.send()
    assert world.jvm.closed
    assert scope.abandoned
    scope.leave()


def test_a_call_that_does_not_come_back_is_left(world, monkeypatch):
    """After a moment, without a second press."""
    monkeypatch.setattr(interrupt, "PATIENCE", 0.0)
    scope = world.enter()

    def during() -> None:
        press()
        until(lambda: False, "it is interrupted")

    world.jvm.during = during
    with pytest.raises(KeyboardInterrupt):
        world.send()
    assert scope.abandoned
    scope.leave()


def test_what_follows_a_call_that_was_left_is_left_as_well_if_the_jvm_hangs(world, monkeypatch):
    """pyspark tidies up with another call on the way out; the next cell may wait for the JVM again."""
    monkeypatch.setattr(interrupt, "PATIENCE", 0.0)
    scope = world.enter()

    def hang() -> None:
        until(lambda: False, "it is interrupted")

    def during() -> None:
        press()
        hang()

    for what in (during, hang):
        world.jvm.during = what
        with pytest.raises(KeyboardInterrupt):
            world.send()
    scope.leave()
    next_scope = world.enter()
    world.jvm.during = lambda: until(world.interrupts.presses.empty, "the press is taken")
    assert world.send() == OK
    next_scope.leave()


def test_after_a_call_that_was_left_a_jvm_that_answers_is_trusted(world, monkeypatch):
    """A ``finally`` that takes its time is not interrupted again."""
    scope = world.enter()

    def twice() -> None:
        press()
        press()

    world.jvm.during = twice
    with pytest.raises(KeyboardInterrupt):
        world.send()
    world.jvm.during = lambda: None
    assert world.send() == OK
    assert world.calls.press is None
    monkeypatch.setattr(interrupt, "PATIENCE", 0.0)
    world.jvm.during = lambda: until(world.interrupts.presses.empty, "the press is taken")
    assert world.send() == OK
    scope.leave()


def test_a_knock_that_comes_too_late_does_nothing(world):
    """The call has come back, or the cell has ended."""
    scope = world.enter()
    world.jvm.during = press
    with pytest.raises(KeyboardInterrupt):
        world.send()
    late = Press()
    scope._knocking = True
    press()
    scope.leave()
    scope.knock(late)


def test_calls_within_a_call_are_part_of_it(world):
    """py4j tries again through the same function, and Java calls back into Python."""
    scope = world.enter()
    answers: list[Any] = []

    def during() -> None:
        world.jvm.during = lambda: None
        press()
        answers.append(world.send())

    world.jvm.during = during
    with pytest.raises(KeyboardInterrupt):
        world.send()
    assert answers == [OK]
    scope.leave()


def test_the_cancelled_jobs_error_on_the_way_out_is_the_interrupt_again(world):
    """Once: pyspark asks for a result in its ``finally``."""
    scope = world.enter()
    with pytest.raises(KeyboardInterrupt):
        press()
    world.jvm.answer = FAILED
    with pytest.raises(KeyboardInterrupt):
        world.send()
    assert world.send() == FAILED
    scope.leave()


@pytest.mark.parametrize("later", ["after the time", "in the next cell"])
def test_later_errors_are_what_they_are(world, monkeypatch, later):
    """An interrupt is over some time."""
    scope = world.enter()
    if later == "after the time":
        monkeypatch.setattr(main_calls, "AFTERMATH", -1.0)
    with pytest.raises(KeyboardInterrupt):
        press()
    if later == "in the next cell":
        scope.leave()
    world.jvm.answer = FAILED
    assert world.send() == FAILED
    scope.leave()


def test_a_wait_for_a_stream_is_ended_in_the_jvm(world):
    """With its connection, so that what the user set on it stays; the message says what goes on."""
    thread = world.calls.jvm = Thread()
    scope = world.enter()

    def during() -> None:
        press()
        assert thread.interrupted.wait(10)

    world.jvm.during = during
    with pytest.raises(KeyboardInterrupt, match="the streaming query goes on"):
        world.send("c\no9\nawaitTermination\ne\n")
    assert thread.forgot == 1
    assert not world.jvm.closed
    scope.leave()


def test_a_wait_that_has_ended_is_not_woken_any_more(world):
    """An interrupt of the JVM's thread would end its next wait."""
    thread = world.calls.jvm = Thread()
    late = world.calls.pressed()
    late.delivered = True
    world.calls.wake_jvm(late)
    assert not thread.interrupted.is_set()


def test_jobs_are_cancelled_until_the_cell_has_ended(world, monkeypatch):
    """Those that wait in a pool begin later."""
    monkeypatch.setattr(interrupt, "CANCEL_AGAIN", 0.001)
    monkeypatch.setattr(interrupt, "CANCEL_AGAIN_LATER", 0.001)
    monkeypatch.setattr(interrupt, "CANCEL_AT_LEAST", 0.01)
    scope = world.enter()
    with pytest.raises(KeyboardInterrupt):
        press()
    until(lambda: len(world.cancelled) > 20, "it was cancelled often")
    scope.leave()
    until(lambda: scope._canceller is not None and not scope._canceller.alive, "the canceller ends")


def test_while_a_call_that_was_left_goes_on_its_jobs_are_cancelled(world, monkeypatch):
    """It may have been before its first job."""
    monkeypatch.setattr(interrupt, "CANCEL_AT_LEAST", 0.0)
    monkeypatch.setattr(interrupt, "CANCEL_AGAIN_LATER", 0.001)
    lives = [True]
    scope = world.enter()

    def during() -> None:
        press()
        press()

    world.calls.jvm._thread = SimpleNamespace(isAlive=lambda: lives[0])
    world.jvm.during = during
    with pytest.raises(KeyboardInterrupt):
        world.send()
    scope.leave()
    before = len(world.cancelled)
    until(lambda: len(world.cancelled) > before + 5, "it was cancelled again")
    lives[0] = False
    until(lambda: scope._canceller is not None and not scope._canceller.alive, "the canceller ends")


def test_a_driver_that_is_gone_ends_the_cancelling(world):
    """And nothing else."""
    scope = world.enter()
    world.interrupts.cancel = lambda *_: 1 / 0
    with pytest.raises(KeyboardInterrupt):
        press()
    until(lambda: scope._canceller is not None and not scope._canceller.alive, "the canceller ends")
    scope.leave()


def test_what_the_signal_meant_before_is_done(world):
    """A cell with ``await`` runs as a task, which the kernel's handler cancels."""
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    scope = world.enter()
    press()
    assert seen == [signal.SIGINT]
    scope.leave()


def test_an_interrupt_in_a_task_beside_the_cell_cancels_both(world):
    """KeyboardInterrupt in a task would end the kernel's event loop."""
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    world.jvm.during = press

    async def beside() -> None:
        world.send()

    async def cell() -> None:
        scope = world.enter()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.ensure_future(beside())
        with pytest.raises(KeyboardInterrupt):
            world.send()
        scope.leave()

    asyncio.run(cell())
    assert seen == [signal.SIGINT]


@pytest.fixture
def shell(monkeypatch) -> Iterator[InteractiveShell]:
    """A real IPython whose cells press the stop button, as its traceback does."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.user_ns["press"] = press
    monkeypatch.setattr(shell, "showtraceback", lambda *_, **__: press())
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_a_second_press_while_the_interrupt_is_shown_is_the_same_wish(world, shell):
    """One raised there would end the kernel's answer, for which front ends wait."""
    scope = world.enter()
    assert isinstance(shell.run_cell("press()").error_in_exec, KeyboardInterrupt)
    scope.leave()


def test_a_cell_that_catches_the_first_press_is_ended_by_the_second(world, shell):
    """Also in a function of the notebook's."""
    scope = world.enter()
    source = "def wait(): press()\ntry: wait()\nexcept KeyboardInterrupt: caught = True\nwait()"
    assert isinstance(shell.run_cell(source).error_in_exec, KeyboardInterrupt)
    assert shell.user_ns["caught"]
    scope.leave()


def test_a_press_just_after_an_interrupted_cell_does_nothing(world, monkeypatch):
    """While the kernel answers; later it means again what it meant before."""
    seen: list[int] = []
    signal.signal(signal.SIGINT, before := lambda number, _: seen.append(number))
    scope = world.enter()
    press()
    scope.leave()
    press()
    assert seen == [signal.SIGINT]
    monkeypatch.setattr(interrupt, "LATE_SECONDS", 0.0)
    scope = world.enter()
    press()
    scope.leave()
    press()
    assert len(seen) == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_a_cell_on_another_thread_leaves_the_signal_alone(world):
    """A subshell's: signals are the main thread's."""
    before = signal.getsignal(signal.SIGINT)
    seen: list[Any] = []

    def cell() -> None:
        scope = world.enter()
        seen.append((signal.getsignal(signal.SIGINT), current_tags()))
        scope.leave()

    thread = threading.Thread(target=cell)
    thread.start()
    thread.join()
    assert seen == [(before, ("s-1",))]
