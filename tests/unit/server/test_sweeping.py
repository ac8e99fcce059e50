"""When a server has dead sessions swept, and what it says then."""

from __future__ import annotations

import asyncio
import json
import logging
import sys

import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.server.own_command import Ended
from sparkk8s_nb.server.sweeping import LONGEST_SECONDS, LOOK_SECONDS, Sweeper, Swept, run_gc, what_came


class Ground:
    """What a sweeper looks at, and what it does."""

    def __init__(self):
        self.left = False
        self.sweeps = 0
        self.outcome = Swept(done=True, said="")

    def abandoned(self, _runtime):
        if isinstance(self.left, Exception):
            raise self.left
        return self.left

    async def sweep(self):
        self.sweeps += 1
        return self.outcome


@pytest.fixture
def ground():
    return Ground()


@pytest.fixture
def sweeper(ground, tmp_path):
    """Makes a sweeper, in a pod or not."""

    def make(*, in_pod=False):
        token = tmp_path / "token"
        token.write_text("t")
        return Sweeper(
            tmp_path,
            {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"} if in_pod else {},
            logging.getLogger("test"),
            sweep=ground.sweep,
            abandoned=ground.abandoned,
            service_account=tmp_path,
        )

    return make


def look(sweeper, pause=LOOK_SECONDS):
    return asyncio.run(sweeper.look(pause))


def test_where_nothing_is_left_no_cluster_is_asked(sweeper, ground):
    """A credential plugin of a kubeconfig may open a browser."""
    one = sweeper()
    assert [look(one), look(one), look(one)] == [LOOK_SECONDS] * 3
    assert ground.sweeps == 0


def test_what_is_left_at_a_servers_start_is_swept_at_once(sweeper, ground):
    """Its keeper had all the time."""
    ground.left = True
    look(sweeper())
    assert ground.sweeps == 1


def test_what_is_left_later_is_swept_at_the_second_look(sweeper, ground):
    """A keeper may be at it."""
    one = sweeper()
    look(one)
    ground.left = True
    look(one)
    assert ground.sweeps == 0
    look(one)
    assert ground.sweeps == 1


def test_in_a_pod_the_cluster_is_asked_once_at_the_start(sweeper, ground):
    """A container that was restarted has no directories any more, but Leases."""
    one = sweeper(in_pod=True)
    look(one)
    look(one)
    assert ground.sweeps == 1


def test_in_a_pod_a_sweep_that_failed_is_still_owed(sweeper, ground):
    """The API server, or a sidecar before it, may come up after the notebook."""
    ground.outcome = Swept(done=False, said="the API server does not answer")
    one = sweeper(in_pod=True)
    look(one)
    ground.outcome = Swept(done=True, said="")
    look(one)
    look(one)
    assert ground.sweeps == 2


def test_a_sweep_that_fails_is_tried_again_later_and_later(sweeper, ground, caplog):
    """And said each time."""
    ground.left = True
    ground.outcome = Swept(done=False, said="the API server does not answer")
    one = sweeper()
    pauses = [look(one)]
    pauses.append(look(one, pauses[-1]))
    assert pauses == [2 * LOOK_SECONDS, 4 * LOOK_SECONDS]
    assert look(one, LONGEST_SECONDS) == LONGEST_SECONDS
    assert "does not answer" in caplog.text


def test_what_was_removed_is_said(sweeper, ground, caplog):
    """In the server's log."""
    ground.left = True
    ground.outcome = Swept(done=True, said="removed what dead sessions had left: spark-a-1")
    with caplog.at_level(logging.INFO):
        look(sweeper())
    assert "spark-a-1" in caplog.text


def test_a_runtime_directory_of_another_is_said_and_nothing_is_swept(sweeper, ground, caplog):
    """Somebody made it first, in a shared /tmp."""
    ground.left = SessionError("That is not yours.", fix="Remove it.")
    look(sweeper())
    assert ground.sweeps == 0
    assert "not yours" in caplog.text


@pytest.mark.parametrize(
    ("code", "out", "errors", "done", "said"),
    [
        (0, {"dead": [], "failures": []}, "", True, ""),
        (1, {"dead": [{"name": "s"}], "failures": ["s: refused"]}, "", False, "not removed: s: refused"),
        (1, None, "No cluster.\nStart it.", False, "No cluster. Start it."),
        (-9, None, "", False, "it ended with -9"),
    ],
)
def test_what_came_of_it_is_a_line(code, out, errors, done, said):
    """Whatever the command said."""
    text = b"" if out is None else json.dumps(out).encode()
    assert what_came(Ended(code=code, out=text, errors=errors.encode())) == Swept(done=done, said=said)


def test_a_sweep_has_an_end(monkeypatch, tmp_path):
    """A cluster that hangs holds nothing up; the process is ended."""
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec tail -f /dev/null\n")
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    swept = asyncio.run(run_gc(seconds=0.01))
    assert (swept.done, swept.said) == (False, "it was not done after 0 s")
