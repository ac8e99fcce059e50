"""The session's comm in a real kernel with real Spark: live, and obeyed, while a cell blocks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sparkk8s_nb.model.wire_delta import received
from sparkk8s_nb.views.session_comm import TARGET
from tests.embedded.front import Front
from tests.embedded.kernels import Kernel

BLOCKS = """
def _slow(number):
    import time
    for _ in range(1200):
        time.sleep(0.05)
    return number
sc.parallelize(range(8), 8).map(_slow).count()
"""

JOBS = """
import time
_until = time.monotonic() + 60
while len(sc.statusTracker().getActiveJobsIds()) < {}:
    assert time.monotonic() < _until
    time.sleep(0.02)
"""

WAITS = """
import time
from pathlib import Path
_until = time.monotonic() + 60
while not Path("go").exists() and time.monotonic() < _until:
    time.sleep(0.02)
"""


class Page:
    """A page with the panel open: it applies what it hears to what it has.

    Parameters
    ----------
    front : Front
    """

    def __init__(self, front: Front) -> None:
        self.front = front
        self.subshell = front.subshell()
        self.state: dict[str, Any] | None = None
        self.comm = front.open(TARGET, {"schema": 1}, self.subshell)

    def until(self, done: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        """Take frames until the state fits."""
        while self.state is None or not done(self.state):
            frame = self.front.heard(self.comm, lambda data: "kind" in data, what)
            state = received(self.state, frame)
            assert state is not None, "a frame was missed"
            self.state = state
        return self.state

    def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Have something done; returns the answer. Frames that come meanwhile are taken."""
        number = uuid.uuid4().hex
        self.front.say(self.comm, {"do": what, "id": number, **arguments}, self.subshell)
        heard = False
        while True:
            news = self.front.heard(self.comm, lambda data: True, f"the answer to {what}")
            if "kind" in news:
                self.state = received(self.state, news)
            elif news.get("heard") == number:
                heard = True
            elif news.get("done") == number:
                assert heard
                return news


def said(answer: dict[str, Any]) -> str:
    """What came of an action that has to succeed."""
    assert "problem" not in answer, answer
    return str(answer["said"])


@pytest.fixture(scope="module")
def kernel(new_kernel: Callable[..., Kernel]) -> Iterator[Kernel]:
    """One kernel; each test starts the session that it needs."""
    return new_kernel("Panel.ipynb")


@pytest.fixture
def session(kernel: Kernel) -> Iterator[Kernel]:
    """A session of one executor."""
    kernel.start("-n 1 --cores 2 --memory 1g", executors=1)
    yield kernel
    if kernel.value("sparkk8s_nb.current() is not None"):
        kernel.run("%sparkk8s stop")


def running(state: dict[str, Any]) -> bool:
    return bool(state["progress"]["state"] == "RUNNING" and state["progress"]["totals"]["running"])


def test_a_panel_that_is_open_before_the_first_start_sees_it_come(kernel: Kernel) -> None:
    """No session, then its phases, then its executors."""
    page = Page(Front(kernel.client))
    assert page.until(lambda state: True, "a keyframe")["session"] is None
    assert page.do("scale", executors=2)["problem"] == "No Spark session runs in this kernel."
    request = page.front.run("%sparkk8s start -n 1 --cores 1 --memory 1g")
    coming = page.until(lambda state: state["fleet"] is not None, "the start")
    assert coming["session"]["state"] in ("checking", "connecting")
    assert page.do("stop")["problem"] == "The session is still starting."
    there = page.until(
        lambda state: state["session"]["state"] == "running" and state["session"]["ui"], "a session"
    )
    assert "panel" in there["session"]["notebook"].lower()
    assert there["session"]["executors"] == 1
    page.until(lambda state: state["fleet"]["counts"]["running"] == 1, "an executor")
    page.front.idle(request)
    kernel.facts()
    summary = said(page.do("stop"))
    assert summary.startswith("Stopped after ")
    assert summary.endswith("Nothing left.")
    page.until(lambda state: state["session"]["state"] == "stopped", "the end")
    assert kernel.value("sparkk8s_nb.current() is None and 'spark' not in globals()")


def test_a_page_that_comes_while_a_cell_blocks_sees_its_job_and_can_scale_and_cancel_it(
    session: Kernel,
) -> None:
    """Over a subshell; the words are the magic's, and other cells are untouched."""
    front = Front(session.client)
    request = front.run(BLOCKS, cell="cell-that-blocks")
    page = Page(front)
    state = page.until(running, "the job that runs")
    assert state["kind"] == "keyframe"
    assert state["progress"]["cell"]["id"] == "cell-that-blocks"
    assert state["progress"]["jobs"][-1]["stages"][-1]["tasks"] == 8
    count = state["progress"]["cell"]["execution_count"]
    assert said(page.do("scale", executors=2)) == "Scaling from 1 to 2 executors."
    page.until(lambda state: state["fleet"]["counts"]["running"] == 2, "a second executor")
    used = page.until(lambda state: bool(state["fleet"]["executors"][0].get("peak")), "a heartbeat's memory")
    assert 2**24 < used["fleet"]["executors"][0]["peak"] < 2**30
    refused = page.do("scale", executors="many")
    assert (refused["problem"], bool(refused["fix"])) != ("", False)
    assert page.do("cancel", cell="another-cell")["problem"] == "That cell has not run in this session."
    lines = page.do("log", executor="1")["lines"]
    assert any("INFO" in line or "WARN" in line for line in lines)
    assert said(page.do("cancel", cell="cell-that-blocks")) == f"Cancelled 1 job of cell [{count}]."
    front.idle(request, errors=True)
    (error,) = [message["content"]["ename"] for message in front.of("error")]
    assert error == "JobsCancelledError"
    page.until(lambda state: state["progress"]["state"] == "FAILED", "the job's end")
    session.job()


def test_a_views_cancel_spares_a_subshells_cell_that_has_the_same_number(session: Kernel) -> None:
    """By the tag of the execution that the view shows; the number would mean both."""
    front = Front(session.client)
    helper = front.subshell()
    beside = front.run(BLOCKS, cell="beside", subshell=front.subshell(), store=False)
    front.idle(front.run(JOBS.format(1), subshell=helper, store=False))
    main = front.run(BLOCKS, cell="main")
    front.idle(front.run(JOBS.format(2), subshell=helper, store=False))
    page = Page(front)

    def shows_main(state: dict[str, Any]) -> bool:
        progress = state["progress"]
        return bool(progress["state"] == "RUNNING" and progress["cell"]["id"] == "main")

    cell = page.until(shows_main, "the main cell's job")["progress"]["cell"]
    first = said(page.do("cancel", tag=cell["tag"], cell=cell["id"]))
    assert first == f"Cancelled 1 job of cell [{cell['execution_count']}]."
    front.idle(main, errors=True)
    assert session.value("len(sc.statusTracker().getActiveJobsIds())") == 1
    assert [message["parent_header"]["msg_id"] for message in front.of("error")] == [main]
    # The same words: the two have one number.
    assert said(page.do("cancel", cell="beside")) == first
    front.idle(beside, errors=True)


def test_an_action_comes_in_while_both_the_shell_and_the_pages_subshell_are_blocked(session: Kernel) -> None:
    """In a comm of its own over a subshell of its own: the way of Jupyter's server."""
    front = Front(session.client)
    page = Page(front)
    page.until(lambda state: True, "a keyframe")
    blocked = front.run(WAITS, subshell=page.subshell)
    request = front.run(BLOCKS, cell="cell-that-blocks")
    front.say(page.comm, {"do": "scale", "executors": 2, "id": "both-ways"}, page.subshell)
    way = front.subshell()
    comm = front.open(TARGET, {"schema": 1, "do": {"do": "scale", "executors": 2, "id": "both-ways"}}, way)
    assert front.heard(comm, lambda data: True, "that it was heard") == {"heard": "both-ways"}
    done = front.heard(comm, lambda data: True, "that it was done")
    assert done == {"done": "both-ways", "said": "Scaling from 1 to 2 executors."}
    front.until(
        lambda message: message["msg_type"] == "comm_close" and message["content"]["comm_id"] == comm,
        "the comm's end",
    )
    (session.directory / "go").touch()
    late = front.heard(page.comm, lambda data: "done" in data, "the answer by the first way")
    assert late == done
    front.idle(blocked)
    stopped = front.open(TARGET, {"schema": 1, "do": {"do": "stop", "id": "end"}}, way)
    assert said(front.heard(stopped, lambda data: "done" in data, "the session's end")).endswith(
        "Nothing left."
    )
    front.idle(request, errors=True)
    assert session.value("sparkk8s_nb.current() is None")
