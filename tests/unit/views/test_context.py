"""To which place in a notebook an output goes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sparkk8s_nb.views import context as module
from sparkk8s_nb.views.context import CellContext


class Publisher:
    """ipykernel's publisher of displays, as far as it clears outputs."""

    session = object()

    def __init__(self) -> None:
        self.hooks: list[Any] = []

    def register_hook(self, hook: Any) -> None:
        self.hooks.append(hook)

    def send(self, kind: str, request: str) -> None:
        message = {"header": {"msg_type": kind}, "parent_header": {"msg_id": request}}
        for hook in self.hooks:
            assert hook(message) is message


class Kernel:
    """A kernel that runs the request it is told to."""

    request = "r1"

    def get_parent(self, _channel: str) -> dict[str, Any]:
        return {"header": {"msg_id": self.request}}


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch, kernel: Kernel) -> Publisher:
    made = Publisher()
    monkeypatch.setattr(module, "shell", lambda: SimpleNamespace(kernel=kernel, display_pub=made))
    return made


def test_two_commands_of_one_cell_share_a_place_and_those_of_two_do_not(
    publisher: Publisher, kernel: Kernel
) -> None:
    """A cell that is run again is another place: its outputs are new."""
    first, second = CellContext.capture(), CellContext.capture()
    assert first.is_same_place(second)
    kernel.request = "r2"
    assert not first.is_same_place(CellContext.capture())
    assert len(publisher.hooks) == 1


def test_what_a_cell_has_cleared_is_no_place_any_more(publisher: Publisher, kernel: Kernel) -> None:
    """A loop that clears its output and shows the status again."""
    first = CellContext.capture()
    publisher.send("display_data", "r1")
    assert first.is_same_place(CellContext.capture())
    for _ in range(3):
        before = CellContext.capture()
        publisher.send("clear_output", "r1")
        assert not before.is_same_place(CellContext.capture())
    kernel.request = "r2"
    assert CellContext.capture().cleared == 0


def test_nowhere_is_no_place() -> None:
    """Outside of a kernel nothing is shown, so nothing is shown already."""
    assert not CellContext().is_same_place(CellContext())
