"""Whose records the server reads, and which it refuses."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from sparkk8s_nb.errors import NoSessionError, SparkK8sError
from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.record import Holder
from sparkk8s_nb.processes import boot_id
from sparkk8s_nb.server.records import has_abandoned, own_session, own_sessions, past_record


def test_a_session_that_runs_is_found(runtime, make):
    """By all, and by its name."""
    place = make()
    found = own_sessions(runtime)
    assert found.trouble is None
    assert [(own.record.name, own.file, own.dead) for own in found.sessions] == [
        ("spark-a-1", place / "record.json", False)
    ]
    assert own_session(runtime, "spark-a-1") == found.sessions[0]


def test_a_session_that_starts_is_found(runtime, make):
    """From the first moment on, as one that starts."""
    make(ui_url="")
    assert own_session(runtime, "spark-a-1").record.starting
    make(app_id="spark-1")
    assert not own_session(runtime, "spark-a-1").record.starting


def test_a_session_whose_process_is_gone_is_dead(runtime, make):
    """Its keeper cleans up, or had no time to."""
    make(holder=Holder(boot=boot_id(), pid=2**22 + 1, started=1.0))
    assert own_session(runtime, "spark-a-1").dead


def test_another_boots_session_is_not_called_dead(runtime, make):
    """A directory that several machines share."""
    make(holder=Holder(boot="another", pid=2**22 + 1, started=1.0))
    assert not own_session(runtime, "spark-a-1").dead


def test_without_a_session_there_is_none_and_no_trouble(runtime):
    """Also before the first start of this user."""
    assert own_sessions(runtime).sessions == []
    assert own_sessions(runtime / "none").sessions == []
    (private_dir(runtime / "sessions") / "spark-a-1").mkdir(mode=0o700)
    assert own_sessions(runtime) == own_sessions(runtime / "none")


@pytest.mark.parametrize(
    "name",
    [
        "..", ".", "", "../spark-a-1", "/etc", "spark-a-1/../spark-a-1", "spark-a-1/", "Spark-A-1", "spark-a-1\0",
        "spark-a-1\n", "%2e%2e", "sp*rk-a-1", "x" * 300, "spark-a-2",
    ],
)  # fmt: skip
def test_a_name_that_is_none_finds_nothing(runtime, make, name):
    """It comes out of a URL."""
    make()
    with pytest.raises(NoSessionError, match="no such session"):
        own_session(runtime, name)


@pytest.mark.parametrize("what", ["run", "run/sessions", "run/sessions/spark-a-1"])
def test_a_directory_that_others_can_enter_counts_for_nothing(tmp_path, runtime, make, what):
    """They could have put the record there."""
    make()
    (tmp_path / what).chmod(0o755)
    assert own_sessions(runtime).sessions == []
    with pytest.raises(SparkK8sError):
        own_session(runtime, "spark-a-1")


def test_a_directory_that_is_a_link_counts_for_nothing(tmp_path, runtime, make):
    """It leads to what another made."""
    place = make()
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    assert own_sessions(runtime).sessions == []


def test_another_users_directory_counts_for_nothing(runtime, make, monkeypatch):
    """Whatever it says."""
    make()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    found = own_sessions(runtime)
    assert found.sessions == []
    assert "only you can enter" in found.trouble.problem


def _open(record: Path) -> None:
    record.chmod(0o644)


def _link(record: Path) -> None:
    record.rename(record.parent / "elsewhere")
    record.symlink_to(record.parent / "elsewhere")


def _pipe(record: Path) -> None:
    record.unlink()
    os.mkfifo(record, 0o600)


def _endless(record: Path) -> None:
    record.write_bytes(b" " * (2 << 20))


@pytest.mark.parametrize("spoil", [_open, _link, _pipe, _endless])
def test_a_record_that_others_could_have_made_is_refused_and_told(runtime, make, spoil):
    """The others are there all the same."""
    make("spark-a-2")
    spoil(make() / "record.json")
    found = own_sessions(runtime)
    assert [own.record.name for own in found.sessions] == ["spark-a-2"]
    assert "only you can read and write" in found.trouble.problem
    with pytest.raises(SparkK8sError, match="only you can read and write"):
        own_session(runtime, "spark-a-1")


def test_a_record_of_another_name_is_refused(runtime, make):
    """A copy leads to somebody's UI with somebody else's name."""
    make(name="spark-b-1").rename(runtime / "sessions" / "spark-a-1")
    with pytest.raises(SparkK8sError, match="another session's"):
        own_session(runtime, "spark-a-1")


@pytest.mark.parametrize("key", ["/etc/passwd", "../spark-b-1/ui.key", "ui.key"])
def test_a_record_that_names_another_key_is_refused(runtime, make, key):
    """It would have us read, and sign with, what is not the session's."""
    make(ui_key_file=key)
    with pytest.raises(SparkK8sError, match="not its own"):
        own_session(runtime, "spark-a-1")


def test_what_is_no_record_is_told(runtime, make):
    """In two lines."""
    write_private(make() / "record.json", "{")
    assert "cannot be read" in own_sessions(runtime).trouble.problem


@pytest.fixture
def lock(make):
    """The lock file of a session's directory."""
    file = make() / "lock"
    write_private(file, json.dumps({"boot": boot_id(), "scratch": "/tmp/x"}))
    return file


def test_a_directory_that_nobody_uses_is_abandoned(runtime, lock):
    """Kernel and keeper are both gone."""
    assert has_abandoned(runtime)


def test_a_directory_whose_lock_is_held_is_not(runtime, lock):
    """By the kernel, or by its keeper, which cleans up."""
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert not has_abandoned(runtime)
    assert has_abandoned(runtime)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"boot": "another"}'])
def test_a_directory_that_is_just_made_or_of_another_boot_is_not(runtime, lock, text):
    """Its maker must find the lock free; another machine's processes cannot be seen here."""
    write_private(lock, text)
    assert not has_abandoned(runtime)


def test_without_directories_nothing_is_abandoned(runtime):
    """Before the first start."""
    assert not has_abandoned(runtime)


@pytest.fixture
def past(runtime, make):
    """The directory of a history server that runs."""
    place = make("past", ui_key_file=str(runtime / "past" / "ui.key"))
    return place.rename(runtime / "past")


def test_the_history_servers_record_is_read(runtime, past):
    """As a session's is."""
    assert past_record(runtime).ui_key_file == str(past / "ui.key")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda past: past.parent.chmod(0o777),
        lambda past: past.chmod(0o777),
        lambda past: (past / "record.json").chmod(0o666),
        lambda past: write_private(
            past / "record.json",
            (past / "record.json").read_text().replace(str(past / "ui.key"), "/home/ada/secret"),
        ),
    ],
    ids=["runtime directory", "its directory", "record", "key elsewhere"],
)
def test_a_history_servers_record_that_others_could_have_made_is_refused(runtime, past, spoil):
    """Its port would be shown under Jupyter's own origin, and asked with its key."""
    spoil(past)
    with pytest.raises(SparkK8sError):
        past_record(runtime)


def test_without_a_history_server_there_is_no_record(runtime):
    """Said as such."""
    with pytest.raises(NoSessionError):
        past_record(runtime)
