"""Actions tell Spark which line called them; nothing else does."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from sparkk8s_nb.spark import call_sites as module
from sparkk8s_nb.spark.call_sites import CallSites

COUNT = "c\no7\ncount\ne\n"
LIMIT = "c\no7\nlimit\ni5\ne\n"


class Connection:
    """A thread's."""


class Jvm:
    """A context and a client that note what they are asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.connection: Connection | None = Connection()
        self.dead = False
        self.pressed = False
        self.sites = CallSites(SimpleNamespace(_jsc=self), self)

    def get_thread_connection(self) -> Any:
        return self.connection

    def setCallSite(self, site: str) -> None:
        self._note(site)

    def clearCallSite(self) -> None:
        self._note("cleared")

    def _note(self, call: str) -> None:
        if self.dead:
            raise OSError
        self.calls.append(call)
        self.sites.update("c\no1\nsetCallSite\ne\n")  # a command as well
        if self.pressed:
            self.pressed = False
            raise KeyboardInterrupt

    def command(self, *commands: str) -> list[str]:
        """Tell of commands, and return what was called for them."""
        self.calls.clear()
        for command in commands:
            self.sites.update(command)
        return list(self.calls)


@pytest.fixture
def jvm(monkeypatch: pytest.MonkeyPatch) -> Jvm:
    """The test's own file is the user's."""
    monkeypatch.setattr(module, "libraries", lambda: (module.__file__,))
    return Jvm()


def test_an_action_brings_the_line_that_called_it(jvm: Jvm) -> None:
    """By its name in Python."""
    line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
    jvm.sites.update("c\no7\nshowString\ni20\ne\n")
    assert jvm.calls == [f"show at {__file__}:{line}"]


def test_what_follows_an_action_is_not_its_lines(jvm: Jvm) -> None:
    """The next call takes the line away; what is no call has nothing to do with it."""
    first, *rest = jvm.command(COUNT, "m\nd\no7\ne\n", LIMIT, LIMIT)
    assert first.startswith("count at ")
    assert rest == ["cleared"]


def test_other_calls_cost_nothing(jvm: Jvm) -> None:
    """Not one call."""
    assert jvm.command(LIMIT, "r\nu\norg\ne\n", "i\njava.util.ArrayList\ne\n", "c\n") == []


def test_an_action_that_is_called_again_from_its_line_says_nothing_new(jvm: Jvm) -> None:
    """A loop of one."""
    assert len(jvm.command(COUNT, COUNT, COUNT)) == 1


@pytest.mark.parametrize("connection", [Connection(), None])
def test_a_new_connection_is_told_anew(jvm: Jvm, connection: Connection | None) -> None:
    """The JVM has a new thread for it, which knows no line; there is none to be taken away."""
    jvm.command(COUNT)
    jvm.connection = connection
    assert len(jvm.command(COUNT)) == 1
    jvm.connection = Connection()
    assert jvm.command(LIMIT) == []


def test_a_jvm_that_is_gone_is_the_commands_own_business(jvm: Jvm) -> None:
    """The command says so itself."""
    jvm.dead = True
    assert jvm.command(COUNT) == []


@pytest.mark.parametrize(("follows", "told"), [(COUNT, "count at "), (LIMIT, "cleared")])
def test_a_line_whose_call_was_interrupted_is_told_anew(jvm: Jvm, follows: str, told: str) -> None:
    """The JVM may have it or not: the same line says it again, and whatever else follows takes it away."""
    jvm.pressed = True
    with pytest.raises(KeyboardInterrupt):
        jvm.command(COUNT)
    (call,) = jvm.command(follows, follows)
    assert call.startswith(told)


def test_neither_sparks_nor_our_own_files_are_the_users() -> None:
    """The nearest that is another."""
    assert module._users_line().startswith(f"{__file__}:")
