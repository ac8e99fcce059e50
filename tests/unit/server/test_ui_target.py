"""Which Spark UI a record leads to."""

from __future__ import annotations

import base64
import os

import pytest

from sparkk8s_nb.errors import NoSessionError, SessionError, SparkK8sError
from sparkk8s_nb.localfiles import write_private
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.server.ui_target import note_use, read_record, target_of

KEY = bytes(range(32))


@pytest.fixture
def record(tmp_path):
    """Makes records of a session with a key file."""
    write_private(tmp_path / "ui.key", base64.urlsafe_b64encode(KEY).decode())

    def make(**fields):
        holder = Holder(boot="b", pid=1, started=1.0)
        fields = {"ui_url": "http://127.0.0.1:4040", "ui_key_file": str(tmp_path / "ui.key")} | fields
        return SessionRecord(name="s", owner="o", notebook="n", namespace="d", holder=holder, **fields)

    return make


def test_a_record_leads_to_its_own_ui(record):
    """With its key, which the repr does not say."""
    target = target_of(record())
    assert (target.port, target.key) == (4040, KEY)
    assert "key" not in repr(target)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:4040",
        "http://127.0.0.1@evil.example:80",
        "http://localhost:4040",
        "https://127.0.0.1:4040",
        "http://127.0.0.1:4040/other",
        "http://127.0.0.1:4040?x",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "file:///etc/passwd",
        "no url",
    ],
)
def test_no_other_address_is_ever_reached(record, url):
    """A record can be wrong; the proxy is not led by it."""
    with pytest.raises(SessionError, match=r"not on 127\.0\.0\.1"):
        target_of(record(ui_url=url))


def test_a_session_without_a_ui_says_so(record):
    """With the UI off; one that starts has none yet, which is no fault of its options."""
    with pytest.raises(SessionError, match="no Spark UI"):
        target_of(record(ui_url="", app_id="spark-1"))
    with pytest.raises(SessionError, match="still starting"):
        target_of(record(ui_url=""))


def test_a_key_that_is_gone_is_said(record, tmp_path):
    """Somebody cleaned up the runtime directory."""
    with pytest.raises(SessionError, match="key"):
        target_of(record(ui_key_file=str(tmp_path / "none")))


def test_a_key_that_others_can_read_is_none(record, tmp_path):
    """Whoever has it signs as well as we do."""
    (tmp_path / "ui.key").chmod(0o644)
    with pytest.raises(SessionError, match="key"):
        target_of(record())


def test_a_look_is_noted_on_the_record(tmp_path):
    """Where there still is one."""
    file = tmp_path / "record.json"
    note_use(file)
    assert not file.exists()
    file.write_text("{}")
    os.utime(file, (1.0, 1.0))
    note_use(file)
    assert file.stat().st_mtime > 1.0


def test_a_session_that_has_stopped_has_no_record(tmp_path):
    """Its directory is removed."""
    with pytest.raises(NoSessionError, match="stopped"):
        read_record(tmp_path / "gone" / "record.json")


def test_what_is_no_record_is_refused(tmp_path):
    """Two lines, no trace of the parser."""
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(SparkK8sError, match="cannot be read"):
        read_record(tmp_path / "record.json")
