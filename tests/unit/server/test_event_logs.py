"""Which event logs there are, and which is the last."""

from __future__ import annotations

import os

import pytest

from sparkk8s_nb.errors import SessionError
from sparkk8s_nb.localfiles import private_dir
from sparkk8s_nb.server.event_logs import event_log_of, event_logs, last_stopped


@pytest.fixture
def events(tmp_path):
    """Where Spark writes event logs."""
    return private_dir(tmp_path / "events")


@pytest.fixture
def make(events):
    """Writes an event log as Spark does."""

    def made(app_id, written, *, complete=True):
        log = events / f"eventlog_v2_{app_id}"
        log.mkdir()
        (log / f"events_1_{app_id}.zstd").write_bytes(b"")
        (log / f"appstatus_{app_id}{'' if complete else '.inprogress'}").write_bytes(b"")
        os.utime(log, (written, written))
        return log

    return made


def test_the_newest_comes_first(events, make):
    """With what the names tell."""
    make("spark-1", 100.0)
    path = make("spark-2", 300.0, complete=False)
    make("spark-3", 200.0)
    logs = event_logs(events)
    assert [(log.app_id, log.complete) for log in logs] == [
        ("spark-2", False),
        ("spark-3", True),
        ("spark-1", True),
    ]
    assert (logs[0].path, logs[0].written) == (path, 300.0)


def test_what_is_no_event_log_is_passed_over(events, make, tmp_path):
    """Files, links, other names."""
    make("spark-1", 1.0)
    (events / "eventlog_v2_file").write_bytes(b"")
    (events / "eventlog_v2_link").symlink_to(tmp_path)
    (events / "notes").mkdir()
    assert [log.app_id for log in event_logs(events)] == ["spark-1"]


def test_before_the_first_session_there_is_none(tmp_path):
    """No directory either."""
    assert event_logs(tmp_path / "none") == []


def test_a_directory_that_others_can_enter_is_refused(events, make):
    """The history server would show what they wrote, as a page of this server."""
    make("spark-1", 1.0)
    events.chmod(0o755)
    with pytest.raises(SessionError, match="only you can enter"):
        event_logs(events)


@pytest.mark.parametrize("app_id", ["spark-2", "", "..", "../events/eventlog_v2_spark-1", "spark-1/"])
def test_an_application_without_an_event_log_is_said(events, make, app_id):
    """The id comes out of a URL."""
    make("spark-1", 1.0)
    with pytest.raises(SessionError, match="no event log"):
        event_log_of(events, app_id)
    assert event_log_of(events, "spark-1").app_id == "spark-1"


def test_the_last_one_is_of_a_session_that_has_stopped(events, make):
    """Not of one that runs."""
    make("spark-1", 1.0)
    make("spark-2", 2.0, complete=False)
    logs = event_logs(events)
    assert last_stopped(logs, {"spark-2"}).app_id == "spark-1"
    assert last_stopped(logs, set()).app_id == "spark-2"
    with pytest.raises(SessionError, match="No session that has stopped"):
        last_stopped(logs, {"spark-1", "spark-2"})
