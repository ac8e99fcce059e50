"""Hearing the kernel, renewing the Lease, noticing the kernel's end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sparkk8s_nb.keeper.loop import Inbox, Loop, Outcome
from sparkk8s_nb.testing import FakeClock


class FakeLifeline:
    """A kernel that ends when told; its descriptor is always ready, so that no step waits."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.write(self._write, b"x")
        self.fd: int | None = self._read
        self.dead = False

    def gone(self) -> bool:
        return self.dead

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def kernel():
    """The kernel."""
    line = FakeLifeline()
    yield line
    line.close()


@pytest.fixture
def pipe():
    """The kernel's end of the pipe."""
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


@pytest.fixture
def clock():
    """Time that passes only when told."""
    return FakeClock(1000.0)


@pytest.fixture
def loop(plan, client, kernel, pipe, clock):
    """A keeper's loop."""
    return Loop(plan, client, kernel, Inbox(pipe[0]), clock=clock, now=lambda: 60.0)


@pytest.fixture
def tell(loop, pipe):
    """Say something to the keeper, and let it take one step."""

    def say(**message):
        os.write(pipe[1], json.dumps(message).encode() + b"\n")
        return loop.step()

    return say


def patches(api):
    return [path for method, path in api.sent if method == "PATCH"]


def test_nothing_is_renewed_before_there_is_a_lease(loop, api, clock):
    """The keeper is there first."""
    clock.sleep(100)
    assert loop.step() is None
    assert api.sent == []


def test_the_lease_is_renewed_every_30_seconds(loop, tell, api, clock):
    """Up to a fifth later, as long as the kernel exists."""
    api.lease()
    tell(do="lease", name="s", uid="u")
    for _ in range(3):
        clock.sleep(29.9)
        loop.step()
        before = len(patches(api))
        clock.sleep(6.2)
        loop.step()
        assert len(patches(api)) == before + 1
    assert api.leases["s"]["spec"]["renewTime"] == "1970-01-01T00:01:00.000000Z"


def test_a_lost_lease_is_left_alone_until_there_is_a_new_one(loop, tell, api, clock):
    """The kernel's own watcher tells the user."""
    api.lease(uid="other")
    tell(do="lease", name="s", uid="u")
    for _ in range(3):
        clock.sleep(37)
        assert loop.step() is None
    assert len(patches(api)) == 1
    tell(do="lease", name="s", uid="other")
    clock.sleep(37)
    loop.step()
    assert len(patches(api)) == 2


def test_an_outage_is_retried_soon_and_for_ever(loop, tell, api, clock, caplog):
    """And takes two lines in the log, however long it lasts."""
    api.lease()
    api.down = True
    tell(do="lease", name="s", uid="u")
    for _ in range(60):
        clock.sleep(15)
        assert loop.step() is None
    assert 20 < len(patches(api)) < 61
    api.down = False
    clock.sleep(37)
    loop.step()
    assert "renewTime" in api.leases["s"]["spec"]
    assert len(caplog.records) == 2


def test_the_end_of_the_kernel_ends_the_loop(loop, tell, kernel):
    """With what is to be ended and removed."""
    tell(do="driver", pid=7, started=1.5)
    tell(do="cleanup", path="/x")
    kernel.dead = True
    assert loop.step() is Outcome.KERNEL_GONE
    assert loop.drivers[0].pid == 7
    assert loop.paths == [Path("/x")]


def test_release_and_finish_end_it_with_their_own_outcome(tell):
    """One has nothing left to do, the other everything."""
    assert tell(do="something new") is None
    assert tell(do="finish") is Outcome.FINISHED
    assert tell(do="release") is Outcome.RELEASED


def test_a_closed_pipe_proves_nothing(loop, pipe, clock):
    """A forked child may hold it open, the kernel may have closed it: only the process counts."""
    inbox = Inbox(os.open(os.devnull, os.O_RDONLY))
    fd = inbox.fd
    assert inbox.read() == []
    assert inbox.fd is None
    assert inbox.read() == []
    os.close(fd)


def test_a_message_may_come_in_pieces(pipe):
    """A pipe knows no lines."""
    inbox = Inbox(pipe[0])
    os.write(pipe[1], b'{"do": "re')
    assert inbox.read() == []
    os.write(pipe[1], b'lease"}\n{"do": "finish"}\n')
    assert inbox.read() == [{"do": "release"}, {"do": "finish"}]


def test_term_ends_the_keeper_of_a_living_kernel_and_cleans_up_after_a_dead_one(plan, client, kernel, pipe):
    """Somebody who shuts the machine down asks first."""
    loop = Loop(plan, client, kernel, Inbox(pipe[0]), terminated=lambda: True)
    assert loop.step() is Outcome.TERMINATED
    kernel.dead = True
    assert loop.step() is Outcome.KERNEL_GONE


def test_an_annotation_goes_with_the_next_renewal_and_once(loop, tell, api, clock):
    """It costs no request; a Lease that was made anew gets it again."""
    api.lease()
    tell(do="lease", name="s", uid="u")
    tell(do="annotate", key="k", value="old")
    tell(do="annotate", key="k", value="new")
    assert patches(api) == []
    for _ in range(2):
        clock.sleep(37)
        loop.step()
    api.lease(uid="second")
    tell(do="lease", name="s", uid="second")
    clock.sleep(37)
    loop.step()
    assert [body["metadata"] for body in api.bodies] == [
        {"uid": "u", "annotations": {"k": "new"}},
        {"uid": "u"},
        {"uid": "second", "annotations": {"k": "new"}},
    ]


def test_an_annotation_outlives_an_outage(loop, tell, api, clock):
    """What was not taken is sent again."""
    api.lease()
    tell(do="lease", name="s", uid="u")
    tell(do="annotate", key="k", value="v")
    api.down = True
    clock.sleep(37)
    loop.step()
    api.down = False
    clock.sleep(37)
    loop.step()
    assert [body["metadata"].get("annotations") for body in api.bodies] == [{"k": "v"}, {"k": "v"}]
