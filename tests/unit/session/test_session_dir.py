"""A session's files: private, few, and gone with it."""

from __future__ import annotations

import base64
import os
import tempfile

import pytest

from sparkk8s_nb.session.session_dir import (
    DRIVER_LOGS_KEPT,
    keep_newest,
    make_keys,
    make_session_dir,
)


@pytest.fixture
def make(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    def made(name, *, event_log=True):
        return make_session_dir(name, tmp_path / "run", tmp_path / "state", event_log=event_log)

    return made


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
        os.utime(place.log_dir, (number, number))
    kept = {path.name for path in (tmp_path / "state" / "logs").iterdir()}
    assert kept == {f"s-{number}" for number in range(3, DRIVER_LOGS_KEPT + 3)}


def test_keeping_the_newest_removes_files_and_directories(tmp_path):
    """Whatever an event log is."""
    for age, name in enumerate(("new", "old", "oldest")):
        path = tmp_path / name
        path.mkdir() if name == "oldest" else path.write_text("")
        os.utime(path, (100 - age, 100 - age))
    assert [path.name for path in keep_newest(tmp_path, 1)] == ["old", "oldest"]
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
