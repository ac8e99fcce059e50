"""What is said of an action that does not come to its end, and what becomes of a subshell that comes too late."""

from __future__ import annotations

import asyncio
import contextlib
from queue import Empty
from types import SimpleNamespace

import pytest

from sparkk8s_nb.server import kernel_actions as module
from sparkk8s_nb.server.kernel_actions import KernelActions, Timeouts


class Client:
    """A kernel's client: what the session's comm says in answer to its opening, and then nothing."""

    def __init__(self, *said):
        self.said = list(said)
        self.session = SimpleNamespace(
            msg=lambda kind, content: {"header": {"msg_id": "m1"}, "content": content}
        )
        self.shell_channel = SimpleNamespace(send=self.opened)

    def opened(self, request):
        comm = request["content"]["comm_id"]
        self.said = [
            {
                "header": {"msg_type": kind},
                "parent_header": {"msg_id": "m1"},
                "content": {"comm_id": comm, **content},
            }
            for kind, content in self.said
        ] + [
            {
                "header": {"msg_type": "status"},
                "parent_header": {"msg_id": "m1"},
                "content": {"execution_state": "idle"},
            }
        ]

    async def get_iopub_msg(self, timeout):
        if not self.said:
            await asyncio.sleep(timeout)
            raise Empty
        return self.said.pop(0)


HEARD = ("comm_msg", {"data": {"heard": "u1"}})


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ([HEARD, ("comm_msg", {"data": {"done": "u1", "said": "Stopped."}})], {"said": "Stopped."}),
        ([HEARD], {"heard": True, "problem": "The session works on it"}),
        ([HEARD, ("comm_close", {})], {"heard": True, "problem": "No Spark session"}),
        ([], {"heard": False, "problem": "The kernel does not answer"}),
        ([("comm_close", {})], {"heard": False, "problem": "No Spark session"}),
    ],
)
def test_an_answer_without_an_outcome_says_whether_the_kernel_heard(said, answer, monkeypatch):
    """Whoever reads it knows whether the action may still be at work."""
    actions = KernelActions({}, Timeouts(control=0.05, heard=0.05, done=0.05))

    @contextlib.asynccontextmanager
    async def given(_self, thing):
        yield Client(*said) if thing == "k" else "subshell"

    monkeypatch.setattr(KernelActions, "_client", given)
    monkeypatch.setattr(KernelActions, "_subshell", given)
    came = asyncio.run(actions.act("k", {"do": "stop", "id": "u1"}))
    assert came.pop("done") == "u1"
    assert came.pop("problem", "").startswith(answer.pop("problem", ""))
    came.pop("fix", None)
    assert came == answer


class SlowKernel:
    """A kernel whose control channel answers late: what is asked meanwhile, and when the connection is given up."""

    def __init__(self):
        self.asked = []
        self.replies = []
        self.is_open = True
        self.session = SimpleNamespace(
            msg=lambda kind, content: {
                "header": {"msg_id": f"{kind}-{len(self.asked)}"}, "kind": kind, "content": content
            }
        )  # fmt: skip
        self.control_channel = SimpleNamespace(send=self.asked.append)

    def start_channels(self, **_channels):
        self.is_open = True

    def stop_channels(self):
        self.is_open = False

    async def get_iopub_msg(self, timeout):
        return {}

    async def get_control_msg(self, timeout):
        await asyncio.sleep(0)
        if not self.replies:
            raise Empty
        return self.replies.pop(0)

    def answer(self, kind, content):
        """Answer the first request of a kind, at last."""
        request = next(one for one in self.asked if one["kind"] == kind)
        self.replies.append({"parent_header": request["header"], "content": content})

    def kinds(self):
        return [one["kind"] for one in self.asked if one["kind"] != "kernel_info_request"]


@pytest.fixture
def listening(monkeypatch):
    """Whether the kernel is heard does not hang on how fast this machine is."""

    async def at_once(_actions, _client):
        pass

    monkeypatch.setattr(KernelActions, "_listening", at_once)


@pytest.mark.usefixtures("listening")
def test_a_subshell_that_comes_too_late_is_taken_away_again(monkeypatch):
    """Nobody else knows of it: it would stay in the kernel, a thread with its sockets."""
    kernel = SlowKernel()
    monkeypatch.setattr(module, "_client_of", lambda manager: kernel)
    kernels = SimpleNamespace(get_kernel=lambda _id: None)
    actions = KernelActions(kernels, Timeouts(control=0.01, late=60.0))

    async def late():
        came = await actions.act("k", {"do": "stop", "id": "u1"})
        still_open = kernel.is_open
        kernel.answer("create_subshell_request", {"subshell_id": "s-1"})
        while kernel.is_open:
            await asyncio.sleep(0)
        return came, still_open

    came, still_open = asyncio.run(asyncio.wait_for(late(), 30))
    assert came["problem"] == "The kernel does not answer."
    assert still_open
    assert kernel.kinds() == ["create_subshell_request", "delete_subshell_request"]
    (deleted,) = (one for one in kernel.asked if one["kind"] == "delete_subshell_request")
    assert deleted["content"] == {"subshell_id": "s-1"}


@pytest.mark.usefixtures("listening")
def test_a_kernel_that_never_answers_is_asked_by_so_many_at_a_time(monkeypatch):
    """Each of those whose subshell may still come keeps its connection; when they are through others may ask."""
    kernels = []
    monkeypatch.setattr(module, "_client_of", lambda manager: kernels.append(SlowKernel()) or kernels[-1])
    actions = KernelActions(SimpleNamespace(get_kernel=lambda _id: None), Timeouts(control=0.01, late=60.0))

    async def ask(times):
        return [(await actions.act("k", {"do": "stop", "id": "u1"}))["problem"] for _ in range(times)]

    async def late():
        problems = await ask(module.AT_ONCE + 2)
        for kernel in kernels:
            kernel.answer("create_subshell_request", {"subshell_id": "s-1"})
            while kernel.is_open:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        return problems, await ask(1)

    problems, [afterwards] = asyncio.run(asyncio.wait_for(late(), 30))
    silent = ["The kernel does not answer."]
    busy = ["The kernel is busy with other actions."]
    assert problems == silent * module.AT_ONCE + busy * 2
    assert [afterwards] == silent


def test_a_kernel_without_subshells_is_told_from_one_that_does_not_answer(monkeypatch):
    """What helps is another."""
    kernel = SlowKernel()
    monkeypatch.setattr(module, "_client_of", lambda manager: kernel)
    actions = KernelActions(SimpleNamespace(get_kernel=lambda _id: None), Timeouts(control=60.0))
    kernel.control_channel.send = lambda request: (
        kernel.asked.append(request),
        request["kind"] == "create_subshell_request" and kernel.answer(request["kind"], {"status": "error"}),
    )
    came = asyncio.run(actions.act("k", {"do": "stop", "id": "u1"}))
    assert "ipykernel" in came["fix"]
    assert not kernel.is_open
