"""Knowing that a process has ended."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from sparkk8s_nb.keeper import lifeline as lifelines
from sparkk8s_nb.keeper.lifeline import Polled, lifeline
from sparkk8s_nb.processes import ProcessId, identify


@pytest.fixture
def sleeper():
    """A process that waits for the end of its input."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_stopped_process_is_not_gone_and_a_killed_one_is(sleeper):
    """Also before its parent has waited for it: a zombie runs nothing."""
    line = lifeline(identify(sleeper.pid))
    sleeper.send_signal(signal.SIGSTOP)
    assert not line.gone()
    sleeper.kill()
    sleeper.wait()
    assert line.gone()
    line.close()


def test_a_process_id_that_is_somebody_else_s_now_is_gone(sleeper):
    """Its start time differs."""
    line = lifeline(ProcessId(pid=sleeper.pid, started=1.0))
    assert isinstance(line, Polled)
    assert line.gone()
    line.close()


def test_a_process_that_never_was_is_gone():
    """No such id."""
    assert lifeline(ProcessId(pid=2**22 + 5, started=1.0)).gone()


def test_without_descriptors_it_asks(monkeypatch, sleeper):
    """A sandbox without the system call."""

    def refused(_process):
        raise PermissionError(1, "no")

    monkeypatch.setattr(lifelines, "_descriptor", refused)
    line = lifeline(identify(sleeper.pid))
    assert isinstance(line, Polled)
    assert not line.gone()
