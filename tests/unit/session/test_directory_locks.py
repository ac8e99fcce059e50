"""A session's directory is somebody's as long as a process holds its lock, and no longer."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys

import psutil
import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.model.paths import LOCK_FILE
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
