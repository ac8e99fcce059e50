"""A session's directory is somebody's as long as a process holds its lock, and no longer."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys

import psutil
import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.model.paths import DRIVER_FILE, LOCK_FILE
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from sparkk8s_nb.session import directory_locks as module
from sparkk8s_nb.session.directory_locks import locked_directories

BOOT = "boot/pid:[1]"


@pytest.fixture
def sessions(tmp_path):
    return tmp_path / "sessions"


def take(sessions, name, scratch, boot=BOOT):
    with locked_directories(sessions, boot) as held:
        return held.take(name, scratch)


def sweep(sessions, boot=BOOT):
    with locked_directories(sessions, boot) as held:
        return held.sweep()


def test_a_directory_is_alive_while_its_lock_is_held(sessions, tmp_path):
    """Released, it is nobody's."""
    lock = take(sessions, "s-1", tmp_path / "scratch")
    with locked_directories(sessions, BOOT) as held:
        assert [place.name for place in held.living()] == ["s-1"]
        assert held.sweep() == []
    lock.release()
    lock.release()
    assert lock.handles == ()
    (tmp_path / "scratch").mkdir()
    assert sweep(sessions) == ["s-1"]
    assert list(sessions.iterdir()) == []
    assert not (tmp_path / "scratch").exists()


def test_a_child_that_inherits_the_lock_holds_it_as_well(sessions, tmp_path):
    """The keeper, which cleans up when the kernel is gone and needs the files for it."""
    lock = take(sessions, "s-1", tmp_path / "scratch")
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=lock.handles
    ) as keeper:
        lock.release()
        assert sweep(sessions) == []
        keeper.communicate(b"\n")
    assert sweep(sessions) == ["s-1"]


def test_a_child_that_was_not_given_it_does_not(sessions, tmp_path):
    """A user's subprocess that outlives the kernel is no session."""
    lock = take(sessions, "s-1", tmp_path / "scratch")
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    ) as other:
        other.stdout.readline()  # Popen may return a moment before the kernel has closed what exec closes
        lock.release()
        assert sweep(sessions) == ["s-1"]
        other.communicate(b"\n")


@pytest.mark.parametrize("boot", ["another", ""])
def test_what_another_machine_may_hold_is_left_alone(sessions, tmp_path, boot):
    """Its locks may not be seen here: nothing is proven."""
    take(sessions, "s-1", tmp_path / "scratch").release()
    assert sweep(sessions, boot) == []
    assert (sessions / "s-1").is_dir()


def test_killed_before_it_wrote_anything_it_left_a_directory_alone(sessions):
    """Without a lock, or with an empty one."""
    (sessions / "s-1").mkdir(parents=True)
    (sessions / "s-2").mkdir()
    (sessions / "s-2" / LOCK_FILE).write_text("")
    assert sweep(sessions) == ["s-1", "s-2"]
    assert list(sessions.iterdir()) == []


def test_a_scratch_directory_that_is_no_longer_ours_is_left_alone(sessions, tmp_path):
    """A link in its place leads elsewhere."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "scratch").symlink_to(precious)
    take(sessions, "s-1", tmp_path / "scratch").release()
    assert sweep(sessions) == ["s-1"]
    assert precious.is_dir()
    assert (tmp_path / "scratch").is_symlink()


def test_a_lock_says_where_it_is_from(sessions, tmp_path):
    """For the next start."""
    lock = take(sessions, "s-1", tmp_path / "scratch")
    said = json.loads((sessions / "s-1" / LOCK_FILE).read_text())
    assert said == {"boot": BOOT, "scratch": str(tmp_path / "scratch")}
    assert (sessions / "s-1" / LOCK_FILE).stat().st_mode & 0o777 == 0o600
    lock.release()


def test_whoever_holds_all_of_them_for_too_long_is_told_of(sessions, monkeypatch):
    """A start that was stopped with SIGSTOP in between; no wait is endless."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    sessions.mkdir()
    with (sessions.with_name("sessions.lock")).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SessionError, match="does not go on"):
            sweep(sessions)
    before = psutil.Process().num_fds()
    sweep(sessions)
    assert psutil.Process().num_fds() == before


@pytest.fixture
def stubborn():
    """A process that hears no TERM, as a JVM that hangs."""
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process
        process.kill()


def note(sessions, process, *, started=None):
    known = identify(process.pid)
    known = known if started is None else ProcessId(pid=known.pid, started=started)
    write_private(sessions / "s-1" / DRIVER_FILE, json.dumps(known.as_dict()))
    return known


def test_a_driver_that_outlived_kernel_and_keeper_is_ended(sessions, tmp_path, stubborn, monkeypatch):
    """Not while one of them lives; by force if it must be, and its directory goes with it."""
    monkeypatch.setattr(module, "DRIVER_GRACE", 0.1)
    lock = take(sessions, "s-1", tmp_path / "scratch")
    driver = note(sessions, stubborn)
    assert sweep(sessions) == []
    assert stubborn.poll() is None
    lock.release()
    assert sweep(sessions) == ["s-1"]
    assert not is_alive(driver)


def test_drivers_are_ended_before_anything_is_removed(sessions, tmp_path, stubborn, monkeypatch):
    """So that they ask for no more pods while these are deleted."""
    monkeypatch.setattr(module, "DRIVER_GRACE", 0.1)
    lock = take(sessions, "s-1", tmp_path / "scratch")
    driver = note(sessions, stubborn)
    with locked_directories(sessions, BOOT) as held:
        held.end_drivers()
        assert stubborn.poll() is None
        lock.release()
        held.end_drivers()
    assert not is_alive(driver)
    assert (sessions / "s-1").is_dir()


def test_a_process_that_only_has_the_drivers_number_is_left_alone(sessions, tmp_path, stubborn):
    """Numbers are given again; on another boot they mean nothing."""
    take(sessions, "s-1", tmp_path / "scratch").release()
    note(sessions, stubborn)
    assert sweep(sessions, "another") == []
    note(sessions, stubborn, started=1.0)
    assert sweep(sessions) == ["s-1"]
    assert stubborn.poll() is None


@pytest.mark.parametrize("text", ["", "[]", '{"pid": 1}'])
def test_a_driver_that_was_not_written_down_whole_is_none(sessions, tmp_path, text):
    """Killed in between."""
    take(sessions, "s-1", tmp_path / "scratch").release()
    write_private(sessions / "s-1" / DRIVER_FILE, text)
    assert sweep(sessions) == ["s-1"]
