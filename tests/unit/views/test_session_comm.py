"""The session's comms: the whole state to whoever opens one, then what changes; actions besides."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sparkk8s_nb.model.fleet import Fleet
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress
from sparkk8s_nb.model.wire_delta import received
from sparkk8s_nb.views import session_comm as module
from sparkk8s_nb.views.action_worker import ActionWorker
from sparkk8s_nb.views.allowance import DEBT, RESERVE, Allowance
from sparkk8s_nb.views.session_comm import LiveState, SessionComm

LONG = 60.0


class Source:
    """A state that tests set."""

    def __init__(self) -> None:
        self.state = LiveState()
        self.wake: Callable[[], object] | None = None

    def read(self) -> LiveState:
        return self.state

    def listen(self, wake: Callable[[], object]) -> None:
        assert self.wake is None
        self.wake = wake

    def unlisten(self) -> None:
        self.wake = None

    def set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        if self.wake is not None:
            self.wake()


class Comm:
    """What the comm package gives to a target."""

    count = 0

    def __init__(self) -> None:
        Comm.count += 1
        self.comm_id = f"comm-{Comm.count}"
        self.said: queue.Queue[Any] = queue.Queue()
        self.message: Callable[[Any], object] = lambda _: None
        self.closing: Callable[[Any], object] = lambda _: None

    def on_msg(self, callback: Callable[[Any], object]) -> None:
        self.message = callback

    def on_close(self, callback: Callable[[Any], object]) -> None:
        self.closing = callback

    def send(self, data: dict[str, Any]) -> None:
        self.said.put(data)

    def close(self) -> None:
        self.said.put("closed")

    def say(self, data: Any) -> None:
        self.message({"content": {"data": data}})

    def heard(self) -> Any:
        return self.said.get(timeout=LONG)

    def ends(self) -> bool:
        """Whether it is closed now, or after the frame that was on its way."""
        return self.heard() == "closed" or self.heard() == "closed"


class Kernel:
    def __init__(self, allowance: Allowance | None = None) -> None:
        self.source = Source()
        self.done: list[Any] = []
        self.actions = ActionWorker(self.carry_out)
        self.target = SessionComm(self.source, self.actions, now=lambda: 1000.0, allowance=allowance)

    def carry_out(self, message: Any) -> dict[str, str]:
        self.done.append(message["do"])
        return {"said": "Done."}

    def open(self, **data: Any) -> Comm:
        comm = Comm()
        self.target.opened(comm, {"content": {"data": {"schema": 1, **data}}})
        return comm


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setattr(module, "FRAME_SECONDS", 0.0)
    made = Kernel()
    yield made
    made.target.unregister()
    for thread in threading.enumerate():
        if thread.name == "sparkk8s-session-comm":
            thread.join(LONG)
    assert not [one for one in threading.enumerate() if one.name == "sparkk8s-session-comm"]


def progress(done: int, state: JobState = JobState.RUNNING) -> Progress:
    job = JobProgress(
        id=1, description="count", state=state, tags=("t",), stages=(), tasks=100, done=done, submitted=990.0
    )
    return Progress(cell=CellRef(tag="t", count=3, cell_id="c-3"), jobs=(job,), as_of=1000.0)


def test_before_any_start_there_is_a_keyframe_without_a_session(kernel: Kernel) -> None:
    """A panel can be open before the first start."""
    first = kernel.open().heard()
    assert (first["kind"], first["session"], first["fleet"], first["progress"]) == (
        "keyframe",
        None,
        None,
        None,
    )


def test_a_start_a_fleet_and_a_cell_come_as_deltas_to_everyone(kernel: Kernel) -> None:
    """Numbered; whoever applies them has what a keyframe would say."""
    early = kernel.open()
    state = early.heard()
    kernel.source.set(session={"name": "s", "state": "connecting"}, fleet=Fleet(wanted=2))
    state = received(state, early.heard())
    late = kernel.open()
    whole = late.heard()
    assert whole["kind"] == "keyframe"
    kernel.source.set(progress=progress(40))
    heard = [early.heard(), late.heard()]
    assert heard[0] == heard[1]
    assert (heard[0]["kind"], heard[0]["base"]) == ("delta", whole["seq"])
    for one in (state, whole):
        found = received(one, heard[0])
        assert found is not None
        assert found["progress"]["cell"] == {"tag": "t", "execution_count": 3, "id": "c-3"}
        assert found["fleet"]["wanted"] == 2


def test_nothing_is_sent_while_nothing_is_new(kernel: Kernel) -> None:
    """Being woken is no news."""
    comm = kernel.open()
    comm.heard()
    kernel.source.set()
    kernel.source.set(session={"name": "s"})
    assert comm.heard()["patch"] == {"session": {"name": "s"}}
    assert comm.said.empty()


def test_a_keyframe_that_is_asked_for_goes_to_whoever_asked(kernel: Kernel) -> None:
    """With the number from which the next delta goes on."""
    comm, other = kernel.open(), kernel.open()
    comm.heard()
    other.heard()
    comm.say({"ask": "keyframe"})
    whole = comm.heard()
    assert whole["kind"] == "keyframe"
    assert other.said.empty()
    kernel.source.set(session={"name": "s"})
    assert comm.heard()["base"] == whole["seq"]


def test_an_action_is_heard_and_done_between_the_frames(kernel: Kernel) -> None:
    """And what is no message is passed over."""
    comm = kernel.open()
    comm.heard()
    comm.say("nonsense")
    comm.say({"do": "scale", "id": "a"})
    assert [comm.heard(), comm.heard()] == [{"heard": "a"}, {"done": "a", "said": "Done."}]


def test_a_comm_that_is_opened_for_an_action_gets_its_answer_and_no_frames(kernel: Kernel) -> None:
    """The server's way in; it closes with the answer."""
    comm = kernel.open(do={"do": "stop", "id": "b"})
    assert [comm.heard() for _ in range(3)] == [{"heard": "b"}, {"done": "b", "said": "Done."}, "closed"]
    assert kernel.done == ["stop"]
    assert kernel.source.wake is None


def test_a_closed_comm_hears_nothing_more_and_the_last_one_ends_the_thread(kernel: Kernel) -> None:
    """A kernel without a panel has no thread for one."""
    comm = kernel.open()
    comm.heard()
    comm.closing(None)
    assert kernel.source.wake is None
    again = kernel.open()
    assert again.heard()["kind"] == "keyframe"
    assert comm.said.empty()


def test_a_tab_that_was_reloaded_replaces_its_comm(kernel: Kernel) -> None:
    """Pages that go away close nothing."""
    old, other = kernel.open(tab="x"), kernel.open(tab="y")
    new = kernel.open(tab="x")
    assert new.heard()["kind"] == "keyframe"
    assert old.ends()
    kernel.source.set(session={"name": "s"})
    assert other.heard()["kind"] == "keyframe"
    assert old.said.empty()


def test_an_opening_that_is_heard_late_does_not_replace_the_newer_one(kernel: Kernel) -> None:
    """It waited behind a cell while the same page opened another one on a subshell."""
    newer = kernel.open(tab="x", opening=4)
    assert newer.heard()["kind"] == "keyframe"
    late = kernel.open(tab="x", opening=3)
    assert late.heard() == "closed"
    kernel.source.set(session={"name": "s"})
    assert newer.heard()["kind"] == "delta"
    newest = kernel.open(tab="x", opening=5)
    assert newest.heard()["kind"] == "keyframe"
    assert newer.ends()


def test_an_opening_whose_number_is_none_counts_as_the_first(kernel: Kernel) -> None:
    """Whatever a page says there."""
    comm = kernel.open(tab="x", opening="4")
    comm.heard()
    assert kernel.open(tab="x").heard()["kind"] == "keyframe"
    assert comm.ends()


def test_more_comms_than_there_is_room_for_close_the_oldest(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs as many bytes as the others."""
    monkeypatch.setattr(module, "READERS", 2)
    comms = [kernel.open() for _ in range(3)]
    assert comms[2].heard()["kind"] == "keyframe"
    assert comms[0].ends()
    kernel.source.set(session={"name": "s"})
    assert comms[1].heard()["kind"] == "keyframe"
    assert comms[2].heard()["kind"] == "delta"


def test_what_is_no_news_waits_for_the_allowance_and_an_end_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour with the panel open costs no more than one with a view."""
    monkeypatch.setattr(module, "FRAME_SECONDS", 0.001)
    allowance = Allowance(clock=lambda: 0.0)
    allowance.spend(RESERVE + DEBT // 2)
    kernel = Kernel(allowance)
    comm = kernel.open()
    comm.heard()
    kernel.source.set(progress=progress(10))
    assert comm.heard()["patch"]["progress"]["totals"]["done"] == 10
    kernel.source.set(progress=progress(20))
    kernel.source.set(progress=progress(100, JobState.SUCCEEDED))
    heard = comm.heard()
    assert heard["patch"]["progress"]["state"] == "SUCCEEDED"
    assert comm.said.empty()
    kernel.target.unregister()


def test_when_its_thread_dies_pages_hear_that_and_open_it_anew(kernel: Kernel) -> None:
    """None takes its last frame for what is."""
    comm, other = kernel.open(), kernel.open()
    assert comm.heard()["kind"] == other.heard()["kind"] == "keyframe"
    kernel.source.set(session={"name": "s"}, fleet="broken")
    assert comm.ends()
    assert other.ends()
    kernel.source.set(fleet=None)
    assert kernel.open().heard()["session"] == {"name": "s"}
