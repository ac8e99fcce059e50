"""A session's files: private, few, and gone with it."""

from __future__ import annotations

import base64
import os
import tempfile

import pytest

from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.session.session_dir import (
    DRIVER_LOGS_KEPT,
    EVENT_LOGS_KEPT,
    keep_newest,
    make_keys,
    make_session_dir,
)


@pytest.fixture
def make(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    places = []

    def made(name, *, event_log=True):
        places.append(make_session_dir(name, tmp_path / "run", tmp_path / "state", event_log=event_log))
        return places[-1]

    yield made
    for place in places:
        place.lock.release()


def test_directories_are_private(make):
    """All of them."""
    place = make("s-1")
    for path in (place.root, place.log_dir, place.scratch, place.event_logs, place.spark_files.repl_classes):
        assert path.stat().st_mode & 0o777 == 0o700


def test_without_event_logs_there_is_no_directory_for_them(make):
    """And Spark is told of none."""
    place = make("s-1", event_log=False)
    assert place.event_logs is None
    assert place.spark_files.event_logs is None


def test_removing_keeps_the_logs(make):
    """They say why it failed."""
    place = make("s-1")
    place.driver_log.write_text("why")
    place.remove()
    assert not place.root.exists()
    assert not place.scratch.exists()
    assert place.driver_log.read_text() == "why"
    place.remove()


def test_a_start_that_logged_nothing_leaves_no_log_directory(make):
    """It would push out one that says something."""
    place = make("s-1")
    place.remove()
    assert not place.log_dir.exists()


def test_old_logs_make_room(make, tmp_path):
    """So many are kept, the newest."""
    for number in range(DRIVER_LOGS_KEPT + 3):
        place = make(f"s-{number}")
        place.driver_log.write_text("x")
        place.remove()
        os.utime(place.log_dir, (number, number))
    kept = {path.name for path in (tmp_path / "state" / "logs").iterdir()}
    assert kept == {f"s-{number}" for number in range(3, DRIVER_LOGS_KEPT + 3)}


def test_keeping_the_newest_removes_files_and_directories(tmp_path):
    """Whatever an event log is."""
    for age, name in enumerate(("new", "old", "oldest")):
        path = tmp_path / name
        path.mkdir() if name == "oldest" else path.write_text("")
        os.utime(path, (100 - age, 100 - age))
    assert [path.name for path in keep_newest(tmp_path, 1, spare=lambda name: False)] == ["old", "oldest"]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_keys_are_new_each_time_private_and_never_shown(make):
    """32 random bytes each."""
    place, other = make("s-1"), make("s-2")
    first, second = make_keys(place), make_keys(other)
    assert (first.rpc, first.ui) != (second.rpc, second.ui)
    assert len(bytes.fromhex(first.rpc.decode())) == 32
    assert len(base64.urlsafe_b64decode(first.ui)) == 32
    assert first.ui not in repr(first)
    for path, content in ((place.ui_key, first.ui), (place.spark_files.rpc_secret, first.rpc.decode())):
        assert path.read_text() == content
        assert path.stat().st_mode & 0o777 == 0o600


def test_logs_of_a_session_that_lives_are_never_pruned(make, tmp_path):
    """However old it is, and however many have come since; its event log neither."""
    old = make("s-1")
    old.driver_log.write_text("x")
    record = SessionRecord(
        name="s-1", owner="o", notebook="n", namespace="d", app_id="spark-0a",
        holder=Holder(boot="b", pid=7, started=1.0),
    )  # fmt: skip
    old.record.write_text(record.as_json())
    for name in ("eventlog_v2_spark-0a", "eventlog_v2_spark-0b"):
        (old.event_logs / name).mkdir()
        os.utime(old.event_logs / name, (1, 1))
    os.utime(old.log_dir, (1, 1))
    for number in range(10, 10 + EVENT_LOGS_KEPT + 5):
        place = make(f"s-{number}")
        place.driver_log.write_text("x")
        (place.event_logs / f"eventlog_v2_spark-{number}").mkdir()
        place.remove()
    assert old.driver_log.exists()
    kept = {path.name for path in old.event_logs.iterdir()}
    assert "eventlog_v2_spark-0a" in kept
    assert "eventlog_v2_spark-0b" not in kept
    assert len(kept) == EVENT_LOGS_KEPT + 1
    old.remove()
    make("s-99")
    assert not old.log_dir.exists()


def test_a_kernel_that_was_killed_before_its_keeper_came_leaves_nothing_to_the_next_start(make):
    """Not its directory, not its scratch space on disk, not its empty log directory."""
    dead, alive = make("s-1"), make("s-2")
    make_keys(dead)
    dead.lock.release()  # as the operating system does when the process is gone
    make("s-3")
    assert not any(path.exists() for path in (dead.root, dead.scratch, dead.log_dir))
    assert all(path.exists() for path in (alive.root, alive.scratch, alive.log_dir))


def test_a_start_that_cannot_make_its_scratch_directory_leaves_no_other(make, tmp_path, monkeypatch):
    """A disk that is full."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError):
        make("s-1")
    assert list((tmp_path / "run" / "sessions").iterdir()) == []
    assert list((tmp_path / "state" / "logs").iterdir()) == []
