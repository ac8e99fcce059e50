"""A question is asked where somebody can answer it, and only a yes is a yes."""

from __future__ import annotations

import builtins
import io
import sys

import pytest
from IPython.core.error import StdinNotImplementedError

from sparkk8s_nb.views import question
from sparkk8s_nb.views.environment import Environment, Home
from sparkk8s_nb.views.question import ask


class Terminal(io.StringIO):
    """What says of itself that it is one."""

    def isatty(self) -> bool:
        return True


def answers(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> list[str]:
    """Have ``input`` answer so; returns what it was asked."""
    asked: list[str] = []

    def read(prompt: str) -> str:
        asked.append(prompt)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(builtins, "input", read)
    return asked


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("y", True), (" YES ", True), ("", False), ("n", False), ("yeah", False), (EOFError(), False),
        (StdinNotImplementedError("no"), None),
    ],
)  # fmt: skip
def test_in_a_kernel_the_front_end_answers_or_cannot(
    monkeypatch: pytest.MonkeyPatch, answer: str | Exception, meant: bool | None
) -> None:
    """Papermill and nbclient take no questions: the kernel says so."""
    monkeypatch.setattr(question, "detect", lambda: Environment(home=Home.KERNEL))
    asked = answers(monkeypatch, answer)
    assert ask("Remove it?") is meant
    assert asked == ["Remove it? [y/N] "]


@pytest.mark.parametrize(("reads", "writes"), [(True, True), (True, False), (False, True)])
def test_elsewhere_it_takes_a_terminal_on_both_sides(
    monkeypatch: pytest.MonkeyPatch, reads: bool, writes: bool
) -> None:
    """A pipe is nobody."""
    monkeypatch.setattr(question, "detect", lambda: Environment(home=Home.PLAIN))
    monkeypatch.setattr(sys, "stdin", Terminal() if reads else io.StringIO())
    monkeypatch.setattr(sys, "stdout", Terminal() if writes else io.StringIO())
    asked = answers(monkeypatch, "y")
    assert ask("Remove it?") is (True if reads and writes else None)
    assert len(asked) == int(reads and writes)


def test_a_process_without_standard_input_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon's child has none at all."""
    monkeypatch.setattr(question, "detect", lambda: Environment(home=Home.PLAIN))
    monkeypatch.setattr(sys, "stdin", None)
    assert ask("Remove it?") is None
