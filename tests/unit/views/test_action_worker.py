"""Actions: taken at once, done once, one after the other, always answered."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from sparkk8s_nb.views import action_worker as module
from sparkk8s_nb.views.action_worker import ActionWorker

LONG = 60.0


class Kernel:
    """Carries out what it is told when it is let."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.let = threading.Event()
        self.said: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self.worker = ActionWorker(self.carry_out)

    def carry_out(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self.let.wait(LONG)
        self.done.append(message["do"])
        return {"said": f"{message['do']} is done"}

    def take(self, what: str, number: Any) -> None:
        self.worker.take({"do": what, "id": number}, self.said.put)

    def answers(self, count: int) -> list[Mapping[str, Any]]:
        return [self.said.get(timeout=LONG) for _ in range(count)]


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


def test_it_is_heard_at_once_and_done_in_turn(kernel: Kernel) -> None:
    """Whoever took it goes on to the next message; no thread is left when nothing is to be done."""
    kernel.take("scale", "a")
    kernel.take("stop", "b")
    assert kernel.answers(2) == [{"heard": "a"}, {"heard": "b"}]
    assert kernel.done == []
    kernel.let.set()
    assert kernel.answers(2) == [
        {"done": "a", "said": "scale is done"},
        {"done": "b", "said": "stop is done"},
    ]
    assert kernel.worker.join(LONG)
    for thread in threading.enumerate():
        if thread.name == "sparkk8s-actions":
            thread.join(LONG)
    assert "sparkk8s-actions" not in [thread.name for thread in threading.enumerate()]


def test_what_comes_both_ways_is_done_once_and_answered_twice(kernel: Kernel) -> None:
    """Before it is done, and after."""
    kernel.take("scale", "a")
    kernel.take("scale", "a")
    assert kernel.answers(2) == [{"heard": "a"}] * 2
    kernel.let.set()
    assert kernel.answers(2) == [{"done": "a", "said": "scale is done"}] * 2
    kernel.take("scale", "a")
    assert kernel.answers(2) == [{"heard": "a"}, {"done": "a", "said": "scale is done"}]
    assert kernel.done == ["scale"]


@pytest.mark.parametrize("number", [None, "", 3, "x" * 65, ["a"]])
def test_what_has_no_id_is_not_done(kernel: Kernel, number: Any) -> None:
    """Nobody could be told."""
    kernel.take("stop", number)
    (answer,) = kernel.answers(1)
    assert answer["problem"] == "The action has no id."
    assert kernel.done == []


def test_too_many_are_refused(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody leans on a key."""
    monkeypatch.setattr(module, "WAITING", 2)
    for number in range(9):
        kernel.take("scale", f"a{number}")
    kernel.let.set()
    assert kernel.worker.join(LONG)
    answers = [kernel.said.get_nowait() for _ in range(kernel.said.qsize())]
    refused = [one["done"] for one in answers if "problem" in one]
    assert 6 <= len(refused) <= 7  # the first may have been begun already
    assert len(kernel.done) + len(refused) == 9


def test_a_fault_of_ours_is_an_answer_too() -> None:
    """Whoever pressed the button would wait for ever; the next action is done all the same."""
    said: queue.Queue[Mapping[str, Any]] = queue.Queue()

    def broken(message: Mapping[str, Any]) -> Mapping[str, Any]:
        raise ZeroDivisionError(f"no {message['do']}")

    worker = ActionWorker(broken)
    for number in ("a", "b"):
        worker.take({"do": "stop", "id": number}, said.put)
        assert said.get(timeout=LONG) == {"heard": number}
        assert said.get(timeout=LONG)["problem"] == "That failed: no stop"


def test_an_answer_that_cannot_be_sent_does_not_hold_up_the_next_action(kernel: Kernel) -> None:
    """A comm that is gone."""
    kernel.let.set()

    def gone(answer: Mapping[str, Any]) -> None:
        if "done" in answer:
            raise OSError("closed")

    kernel.worker.take({"do": "scale", "id": "a"}, gone)
    assert kernel.worker.join(LONG)
    kernel.take("stop", "b")
    assert kernel.answers(2) == [{"heard": "b"}, {"done": "b", "said": "stop is done"}]


def test_what_waits_when_it_is_closed_is_not_begun(kernel: Kernel) -> None:
    """The extension is unloaded."""
    kernel.take("scale", "a")
    kernel.take("stop", "b")
    kernel.worker.close()
    kernel.let.set()
    assert kernel.worker.join(LONG)
    assert "stop" not in kernel.done
