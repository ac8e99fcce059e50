"""The history server: what it is told, and when it ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from sparkk8s_nb.spark.history_server import (
    IDLE_SECONDS,
    JVM_FILE,
    clear,
    server_conf,
    server_environ,
    why_end,
)
from sparkk8s_nb.spark.java import Java

GONE = ProcessId(pid=2**22 + 1, started=1.0)


def test_it_wants_a_signature_and_reads_only_what_it_is_given():
    """Its configuration is a file: arguments and environments are for others to read."""
    conf = server_conf(Path("/r/past/logs"), "the-key")
    assert conf["spark.ui.filters"] == "org.apache.spark.ui.JWSFilter"
    assert conf["spark.org.apache.spark.ui.JWSFilter.param.secretKey"] == "the-key"
    assert conf["spark.history.fs.logDirectory"] == "file:///r/past/logs"
    assert conf["spark.history.fs.cleaner.enabled"] == "false"


def test_it_listens_on_loopback_with_a_bounded_heap_whatever_the_environment_says():
    """The user's options for daemons are for other daemons."""
    environ = server_environ(
        {
            "SPARK_LOCAL_IP": "10.0.0.1",
            "SPARK_DAEMON_JAVA_OPTS": "-Xmx64g",
            "SPARK_HISTORY_OPTS": "-Dx",
            "A": "1",
        },
        Java(home=Path("/java"), version=17),
        Path("/spark"),
        Path("/r/past"),
    )
    assert environ["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert environ["SPARK_DAEMON_MEMORY"] == "1g"
    assert "64g" not in environ["SPARK_DAEMON_JAVA_OPTS"]
    assert "SPARK_HISTORY_OPTS" not in environ
    assert environ["A"] == "1"


@pytest.fixture
def record(tmp_path):
    """Its record, last touched at second 1000."""
    file = write_private(tmp_path / "record.json", "{}")
    os.utime(file, (1000.0, 1000.0))
    return file


def test_it_stays_while_somebody_looks(record):
    """Every look touches the record."""
    assert why_end(record, identify(), now=1000.0 + IDLE_SECONDS, told=False) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"now": 1001.0 + IDLE_SECONDS}, "nobody came for a while"),
        ({"told": True}, "told to"),
        ({"jvm": GONE}, "the history server has ended"),
        ({"record": Path("/none/record.json")}, "its directory is gone"),
    ],
)
def test_it_ends_for_a_reason(record, changed, reason):
    """One of four."""
    asked = {"record": record, "jvm": identify(), "now": 1000.0, "told": False} | changed
    assert why_end(asked.pop("record"), asked.pop("jvm"), **asked) == reason


def test_what_a_killed_one_left_is_ended_and_removed(tmp_path):
    """Its JVM too, and nothing that a link leads to."""
    directory = private_dir(tmp_path / "past")
    (tmp_path / "eventlog_v2_spark-1").mkdir()
    private_dir(directory / "logs")
    (directory / "logs" / "eventlog_v2_spark-1").symlink_to(tmp_path / "eventlog_v2_spark-1")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as left:
        jvm = identify(left.pid)
        write_private(directory / JVM_FILE, json.dumps(jvm.as_dict()))
        clear(directory)
        assert not is_alive(jvm)
    assert not directory.exists()
    assert (tmp_path / "eventlog_v2_spark-1").is_dir()
    clear(directory)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x", "started": 1}'])
def test_a_file_that_cannot_be_read_ends_nobody(tmp_path, text):
    """The directory goes all the same."""
    directory = private_dir(tmp_path / "past")
    write_private(directory / JVM_FILE, text)
    clear(directory)
    assert not directory.exists()


def test_what_it_writes_is_its_users_alone(tmp_path):
    """The record leads to it, and the key opens it."""
    from sparkk8s_nb.spark.history_server import _write_record

    record = _write_record(private_dir(tmp_path / "past"), 4040)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert json.loads(record.read_text())["ui_url"] == "http://127.0.0.1:4040"
