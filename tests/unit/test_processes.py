"""A process is known by its id and its start, whatever the clock does."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from sparkk8s_nb import processes
from sparkk8s_nb.processes import ProcessId, end, end_all, identify, is_alive, module_command, module_environ


@pytest.fixture
def sleeper():
    """Starts a process that waits for the end of its input."""
    started = []

    def run(code="input()"):
        process = subprocess.Popen(
            [sys.executable, "-c", f"print('up', flush=True); {code}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        process.stdout.readline()
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere start times do not depend on the boot time")
def test_a_clock_that_is_set_kills_nobody(monkeypatch):
    """A laptop wakes up, the clock jumps by an hour: the time of the boot, and of every start, jumps too."""
    known = identify()
    boot = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 3600.0)
    assert is_alive(known)


def test_a_zombie_is_dead(sleeper):
    """It runs nothing any more."""
    process = sleeper()
    known = identify(process.pid)
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not is_alive(known)


def test_ending_asks_first(sleeper):
    """TERM is enough for most."""
    process = sleeper()
    known = identify(process.pid)
    assert end(known, grace=30) is False
    assert not is_alive(known)


def test_ending_insists(sleeper):
    """KILL for one that does not listen."""
    process = sleeper("import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()")
    process.stdout.readline()
    known = identify(process.pid)
    assert end(known, grace=0.05) is True
    assert not is_alive(known)


def test_several_are_ended_side_by_side_within_one_grace(sleeper, monkeypatch):
    """Each would have had its own, one after the other; who needed KILL is told."""
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()"
    stubborn = [sleeper(deaf) for _ in range(3)]
    for process in stubborn:
        process.stdout.readline()
    killed = [identify(process.pid) for process in stubborn]
    willing = identify(sleeper().pid)
    waits = []
    has_ended = processes._has_ended
    monkeypatch.setattr(
        processes, "_has_ended", lambda *one, within: waits.append(within) or has_ended(*one, within=within)
    )
    assert end_all([killed[0], willing, *killed[1:]], grace=1.0) == tuple(killed)
    assert not any(map(is_alive, [willing, *killed]))
    assert sum(max(0.0, within) for within in waits[2:4]) < 1.0, "the last two waited anew"


def test_ending_what_is_gone_does_nothing():
    """Nor does it touch whoever has the id now."""
    assert end(ProcessId(pid=2**22 + 9, started=1.0), grace=1) is False
    assert end(ProcessId(pid=identify().pid, started=1.0), grace=1) is False


def test_a_process_that_is_not_there_has_no_identity():
    """A plain ProcessLookupError."""
    with pytest.raises(ProcessLookupError):
        identify(2**22 + 9)


def test_a_module_of_ours_is_found_from_anywhere_and_nothing_beside_it(tmp_path):
    """A file json.py in the working directory is not Python's."""
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong one')")
    command = module_command("sparkk8s_nb.server.ui_proxy")
    done = subprocess.run(
        command, input="", cwd=tmp_path, env=module_environ(), capture_output=True, text=True, timeout=60
    )
    assert "JSONDecodeError" in done.stderr
    assert "the wrong one" not in done.stderr


def test_an_identity_that_was_written_down_is_read_again():
    """Whatever else stands beside it; what is none is an error."""
    me = identify()
    assert ProcessId.from_dict({**me.as_dict(), "do": "driver"}) == me
    for plain in ({}, {"pid": "x", "started": 1.0}, {"pid": None, "started": 1.0}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            ProcessId.from_dict(plain)


def test_whoever_started_a_process_hears_its_line_and_does_not_wait_for_its_end(sleeper):
    """It reads until the pipe ends, and the process goes on."""
    process = sleeper(
        "import signal; from sparkk8s_nb.processes import say_and_detach; say_and_detach('ready', 0, 1); signal.pause()"
    )
    assert process.stdout.read() == b"ready\n"
    assert process.poll() is None
