"""Every command to the JVM passes our function while a session runs, and only then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError

from sparkk8s_nb.errors import JobsCancelledError
from sparkk8s_nb.spark import calls as module
from sparkk8s_nb.spark.attribution import work_for
from sparkk8s_nb.spark.calls import EVERY_CELL, JvmCalls

FAILED = "xro7"


class Connection:
    """A thread's."""


class Client:
    """py4j's client: as much of it as is used."""

    def __init__(self) -> None:
        self.deque: list[Any] = []
        self.answer = "yv"
        self.connection = Connection()
        self.sent: list[str] = []

    def get_thread_connection(self) -> Any:
        return self.connection

    def send_command(self, command: str, retry: bool = True, binary: bool = False) -> Any:
        self.sent.append(command)
        return self.answer


class Context:
    """A SparkContext whose tags are commands."""

    def __init__(self, client: Client) -> None:
        self._gateway = SimpleNamespace(_gateway_client=client)
        self._client = client

    def setInterruptOnCancel(self, on: bool) -> None:
        self._client.send_command("interrupt")

    def addJobTag(self, tag: str) -> None:
        self._client.send_command(f"+{tag}")


class World:
    def __init__(self) -> None:
        self.client = Client()
        self.calls = JvmCalls(SimpleNamespace(sparkContext=Context(self.client)), lambda *_: 0)
        self.calls._main.jvm = SimpleNamespace(remember=lambda _: None, thread=None)

    def fails_with(self, monkeypatch: pytest.MonkeyPatch, *messages: str | None) -> None:
        """The answer is an error whose Java exception says that, and its causes the rest."""
        cause = None
        for message in reversed(messages):
            cause = SimpleNamespace(
                getMessage=lambda message=message: message, getCause=lambda cause=cause: cause
            )
        error = Py4JJavaError.__new__(Py4JJavaError)
        error.java_exception = cause

        def get_return_value(answer: str, client: Any) -> None:
            assert (answer, client) == (FAILED, self.client)
            raise error

        monkeypatch.setattr("py4j.protocol.get_return_value", get_return_value)
        self.client.answer = FAILED


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.calls.install()
    yield world
    world.calls.close()
    work_for(None)


def test_commands_pass_while_it_is_installed(world):
    """On every thread; afterwards the function before is there again."""
    assert world.client.send_command("a") == "yv"
    thread = threading.Thread(target=world.client.send_command, args=("b",))
    thread.start()
    thread.join()
    assert world.client.sent == ["a", "b"]
    world.calls.close()
    assert world.client.send_command("c") == "yv"
    assert world.client.sent == ["a", "b", "c"]


def test_what_speaks_plainly_of_a_jvm_that_is_gone_outlives_the_session():
    """A DataFrame of a session that was stopped is asked once more, and says so."""
    world = World()
    plainly = world.client.send_command = lambda *_: "This belongs to a Spark session that was stopped."
    calls = JvmCalls(SimpleNamespace(sparkContext=Context(world.client)), lambda *_: 0)
    calls.install()
    assert world.client.send_command is not plainly
    calls.close()
    assert world.client.send_command is plainly


def test_what_others_put_in_its_place_stays():
    """As with everything that is patched."""
    world = World()
    world.calls.install()
    theirs = world.client.send_command = lambda command: command
    world.calls.close()
    assert world.client.send_command is theirs


def test_a_cells_tag_goes_before_its_first_command(world):
    """And costs nothing where there is none."""
    scope = world.calls.enter_cell("s-1")
    assert world.client.sent == []
    world.client.send_command("count")
    assert world.client.sent == ["interrupt", "+s-1", "count"]
    scope.leave()


def test_a_cancelled_job_is_told_in_a_line(world, monkeypatch):
    """Spark's own, which may be a cause's; the Java exception stays the cause."""
    world.fails_with(monkeypatch, None, "", "[SPARK_JOB_CANCELLED] Job 3 cancelled\nat org.apache")
    scope = world.calls.enter_cell("s-1")
    world.calls.explain_cancelled("s-1")
    with pytest.raises(JobsCancelledError, match=r"^\[SPARK_JOB_CANCELLED\] Job 3 cancelled\n") as caught:
        world.client.send_command("count")
    assert isinstance(caught.value.__cause__, Py4JJavaError)
    scope.leave()


@pytest.mark.parametrize("cancelled", ["", "s-1"])
def test_a_thread_of_the_cell_is_told_as_well(world, monkeypatch, cancelled):
    """By the tag that it carries, or because all are."""
    world.fails_with(monkeypatch, "Job 3 cancelled")
    scope = world.calls.enter_cell("s-1")
    world.calls.explain_cancelled(cancelled or EVERY_CELL)
    seen: list[type] = []

    def work() -> None:
        try:
            world.client.send_command("count")
        except JobsCancelledError as error:
            seen.append(type(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [JobsCancelledError]
    scope.leave()


def test_other_errors_are_left_to_pyspark(world, monkeypatch):
    """Those of cells that nobody cancelled, and those that say something else."""
    world.fails_with(monkeypatch, "the table is not there")
    scope = world.calls.enter_cell("s-1")
    assert world.client.send_command("count") == FAILED
    world.calls.explain_cancelled("s-2")
    assert world.client.send_command("count") == FAILED
    world.calls.explain_cancelled("s-1")
    assert world.client.send_command("count") == FAILED
    scope.leave()


def test_an_error_without_a_java_exception_is_no_cancelled_job():
    """py4j's own."""
    assert module._cancelled_job(ValueError("cancelled")) == ""
