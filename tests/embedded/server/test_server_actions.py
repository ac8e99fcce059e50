"""Actions through the server, to a real kernel whose main thread is blocked. What a session does with them is not
this file's matter: the kernel's side here is a few lines of the test's own.
"""

from __future__ import annotations

import pytest

from .conftest import blocking_cell

KERNEL_SIDE = """
import threading, time
from comm import get_comm_manager

opened = []

def take(comm, message):
    data = message["content"]["data"]
    opened.append((data, threading.current_thread() is threading.main_thread()))
    do, number = data["do"]["do"], data["do"]["id"]
    if do == "log":
        return                                            # never heard
    comm.send({"heard": number})
    if do == "scale":
        comm.send({"done": "another", "said": "no"})
        comm.send({"done": number, "said": "Scaling.", "secret": "no"})
    elif do == "cancel":
        comm.send({"done": number, "problem": "That cell has not run.", "fix": "Reload."})
    elif do == "cancel_all":
        comm.close()
    # stop: heard and never done

get_comm_manager().register_target("sparkk8s", take)
"""

SUBSHELLS = "len(get_ipython().kernel.shell_channel_thread.manager.list_subshell())"


@pytest.fixture(scope="module")
def server(new_server, tmp_path_factory):
    """One server."""
    return new_server(SPARKK8S_RUNTIME_DIR=str(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def kernel(server):
    """Its kernel."""
    return server.open_notebook()


@pytest.fixture(scope="module")
def cells(server, kernel):
    """Cells in it, with the kernel's side loaded."""
    cells = server.connect(kernel)
    cells.run(KERNEL_SIDE)
    return cells


@pytest.fixture
def busy(cells, tmp_path):
    """The kernel, blocked by a cell until the test is over."""
    cells.run("opened.clear()")
    with blocking_cell(cells, tmp_path):
        yield cells


def test_an_action_is_done_while_a_cell_blocks(server, kernel, busy):
    """Off the main thread; of the answer only what the contract knows is passed on."""
    answer = server.act(kernel, {"do": "scale", "executors": 4, "id": "u1"})
    assert (answer.status, answer.json) == (200, {"done": "u1", "said": "Scaling."})


def test_what_the_kernel_was_told_is_the_action_itself(server, kernel, cells):
    """In the session's own comm, on a thread that is not the main one."""
    cells.run("opened.clear()")
    server.act(kernel, {"do": "scale", "executors": 4, "id": "u2"})
    told = {"schema": 1, "do": {"do": "scale", "executors": 4, "id": "u2"}}
    assert cells.value("opened") == [[told, False]]


def test_a_problem_comes_back_in_the_kernels_words(server, kernel, busy):
    """As the magic says it."""
    answer = server.act(kernel, {"do": "cancel", "cell": "c1", "id": "u3"})
    assert answer.json == {"done": "u3", "problem": "That cell has not run.", "fix": "Reload."}


def test_a_kernel_without_a_session_says_so(server, kernel, busy):
    """It closes the comm at once, as one where the extension is not loaded does."""
    answer = server.act(kernel, {"do": "cancel_all", "id": "u4"})
    assert answer.json["problem"] == "No Spark session runs in this kernel."


def test_a_kernel_that_does_not_hear_is_said_in_time(server, kernel, busy):
    """And nobody waits for ever."""
    answer = server.act(kernel, {"do": "log", "executor": "1", "id": "u5"})
    assert answer.json["problem"] == "The kernel does not answer."


def test_no_subshell_is_left(server, kernel, cells):
    """Each action had one of its own."""
    before = cells.value(SUBSHELLS)
    for number in range(3):
        server.act(kernel, {"do": "scale", "executors": 1, "id": f"n{number}"})
    server.act(kernel, {"do": "cancel_all", "id": "n3"})
    assert cells.value(SUBSHELLS) == before


def test_only_this_servers_kernels_are_reached(server, busy):
    """Whatever the name is."""
    for kernel in ("another", "00000000-0000-0000-0000-000000000000"):
        answer = server.act(kernel, {"do": "stop", "id": "u6"})
        assert answer.status == 404
        assert answer.json["problem"] == "This server has no such kernel."
    assert server.act("..%2f..", {"do": "stop", "id": "u6"}).status == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"do": "eval", "id": "u7"}'])
def test_what_is_no_action_reaches_no_kernel(server, kernel, cells, body):
    """It is refused at the door."""
    cells.run("opened.clear()")
    answer = server.ask(f"sparkk8s/api/kernels/{kernel}/actions", method="POST", body=body)
    assert answer.status == 400
    assert "not an action" in answer.json["problem"]
    assert cells.value("opened") == []
