"""Disjoint ranges of ports, held as long as the process lives."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.session import port_slots
from sparkk8s_nb.session.port_slots import PORTS_PER_SLOT, acquire_slot

HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def _quiet_ports(monkeypatch):
    """A range of this test's own, where nobody listens."""
    monkeypatch.setattr(port_slots, "FIRST_PORT", 20000 + os.getpid() % 400 * 4)


@contextlib.contextmanager
def listening(port):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HERE, port))
        other.listen()
        yield


def test_slots_are_disjoint_and_given_back(tmp_path):
    """The next kernel gets the next; a slot that was given back is free."""
    first, second = acquire_slot(tmp_path, HERE), acquire_slot(tmp_path, HERE)
    assert (first.index, second.index) == (0, 1)
    ranges = [range(slot.driver_port, slot.driver_port + PORTS_PER_SLOT) for slot in (first, second)]
    assert not set(ranges[0]) & set(ranges[1])
    assert {first.driver_port, first.block_manager_port, first.ui_port} <= set(ranges[0])
    first.release()
    third = acquire_slot(tmp_path, HERE)
    assert third.index == 0
    second.release()
    third.release()


@pytest.mark.parametrize("offset", range(PORTS_PER_SLOT))
def test_a_slot_with_a_port_that_somebody_listens_on_is_passed_over(tmp_path, offset):
    """Another user has other lock files."""
    with listening(port_slots.FIRST_PORT + offset):
        slot = acquire_slot(tmp_path, HERE)
    assert slot.index == 1
    slot.release()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that belong to a network")
def test_another_user_s_slot_is_passed_over_before_spark_has_bound_its_ports(tmp_path):
    """Other lock files, the same network: two starts at the same moment."""
    ours, theirs = acquire_slot(tmp_path / "ours", HERE), acquire_slot(tmp_path / "theirs", HERE)
    assert (ours.index, theirs.index) == (0, 1)
    ours.release()
    again = acquire_slot(tmp_path / "theirs", HERE)
    assert again.index == 0
    again.release()
    theirs.release()


def test_the_ui_s_port_is_tried_where_the_ui_listens(tmp_path):
    """On loopback, also for a driver with another address: another user's UI may be there."""
    with listening(port_slots.FIRST_PORT + 2):
        slot = acquire_slot(tmp_path, "127.0.0.2")
    assert slot.index == 1
    slot.release()


def test_slots_that_are_all_taken_are_an_error_that_says_what_to_do(tmp_path):
    """With the range of ports."""
    held = [acquire_slot(tmp_path, HERE, slots=range(2)) for _ in range(2)]
    with pytest.raises(SessionError) as caught:
        acquire_slot(tmp_path, HERE, slots=range(2))
    assert str(port_slots.FIRST_PORT) in caught.value.problem
    assert "ps" in caught.value.fix
    for slot in held:
        slot.release()


def test_a_process_that_ends_gives_its_slot_back(tmp_path):
    """However it ends: the lock is the operating system's."""
    code = (
        "import sys; from pathlib import Path; from sparkk8s_nb.session import port_slots;"
        f"port_slots.FIRST_PORT = {port_slots.FIRST_PORT};"
        f"slot = port_slots.acquire_slot(Path(sys.argv[1]), '{HERE}'); print(slot.index, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"0\n"
        second = acquire_slot(tmp_path, HERE)
        other.kill()
    first = acquire_slot(tmp_path, HERE)
    assert (second.index, first.index) == (1, 0)
    first.release()
    second.release()
