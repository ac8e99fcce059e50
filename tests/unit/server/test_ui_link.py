"""Which link a kernel shows."""

from __future__ import annotations

import base64
import sys
from types import SimpleNamespace

import pytest

from sparkk8s_nb.errors import NoSessionError, SessionError
from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.server import ui_link as module
from sparkk8s_nb.server.ui_link import SERVER_VARIABLE, past_link, ui_link

SERVER = {SERVER_VARIABLE: "/user/ada/sparkk8s"}


@pytest.fixture
def record(tmp_path):
    """Writes a session's record."""
    write_private(tmp_path / "ui.key", base64.urlsafe_b64encode(bytes(32)).decode())

    def write(**fields):
        holder = Holder(boot="b", pid=1, started=1.0)
        known = {"ui_url": "http://127.0.0.1:4040", "ui_key_file": str(tmp_path / "ui.key"), "kernel": "k-1"}
        made = SessionRecord(
            name="spark-a-1", owner="o", notebook="n", namespace="d", holder=holder, **(known | fields)
        )
        return write_private(tmp_path / "record.json", made.as_json())

    return write


@pytest.fixture(autouse=True)
def local(monkeypatch):
    """The local proxy is not started here."""
    monkeypatch.setattr(
        module, "open_ui", lambda record, page="": SimpleNamespace(url=f"local {record.name} {page}")
    )


def test_in_a_kernel_of_a_server_with_the_extension_it_leads_through_that_server(record):
    """By its path: the browser knows the server's name, we do not."""
    assert ui_link(record(), SERVER) == "/user/ada/sparkk8s/ui/spark-a-1/"


def test_elsewhere_it_leads_to_the_local_proxy(record, monkeypatch):
    """A server without the extension, a terminal of one with it, VS Code."""
    assert ui_link(record(), {}) == "local record.json "
    assert ui_link(record(kernel=""), SERVER) == "local record.json "
    monkeypatch.setattr(sys.modules["__main__"], "__vsc_ipynb_file__", "a.ipynb", raising=False)
    assert ui_link(record(), SERVER) == "local record.json "


def test_a_ui_that_is_not_there_is_said_in_the_notebook(record, tmp_path):
    """Not in the tab that the link opens."""
    with pytest.raises(SessionError, match="no Spark UI"):
        ui_link(record(ui_url="", app_id="spark-1"), SERVER)
    with pytest.raises(NoSessionError):
        ui_link(tmp_path / "none.json", SERVER)


@pytest.fixture
def places(tmp_path):
    """Runtime and state directory, with two event logs."""
    runtime, state = private_dir(tmp_path / "run"), private_dir(tmp_path / "state")
    for app_id in ("spark-1", "spark-2"):
        (private_dir(state / "events") / f"eventlog_v2_{app_id}").mkdir()
    return runtime, state


def test_a_stopped_sessions_ui_has_a_link_of_the_same_kind(places, monkeypatch):
    """Through the server, or by the local proxy in front of the history server."""
    runtime, state = places
    assert past_link(runtime, state, SERVER, app_id="spark-1") == "/user/ada/sparkk8s/past/spark-1/"
    assert past_link(runtime, state, SERVER).startswith("/user/ada/sparkk8s/past/spark-")
    shown = SimpleNamespace(record=runtime / "record.json", page="history/spark-1/jobs/")
    monkeypatch.setattr(module, "open_past", lambda _runtime, log: shown)
    for environ, local in (({}, False), (SERVER, True)):
        link = past_link(runtime, state, environ, app_id="spark-1", local=local)
        assert link == "local record.json history/spark-1/jobs/"


def test_without_an_event_log_it_says_so(places):
    """And starts nothing."""
    runtime, state = places
    with pytest.raises(SessionError, match="no event log"):
        past_link(runtime, state, SERVER, app_id="spark-3")
    with pytest.raises(SessionError, match="No session that has stopped"):
        past_link(runtime, state / "none", SERVER)
