"""The extension in a real Jupyter server, with a real session in one of its kernels."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest

from sparkk8s_nb.processes import ProcessId, is_alive
from tests.embedded.kernels import processes_of
from tests.eventually import eventually

from .conftest import BASE, blocking_cell

SLOW = """
print("begun", flush=True)
sc.parallelize(range(4), 4).map(lambda n: __import__("time").sleep(120)).count()
"""


@pytest.fixture(scope="module")
def server(embedded_cluster, new_server):
    """A server whose kernels find the embedded cluster."""
    return new_server()


@pytest.fixture(scope="module")
def kernel(server):
    """A notebook's kernel."""
    return server.open_notebook("Flights.ipynb")


@pytest.fixture(scope="module")
def cells(server, kernel):
    """Cells in that kernel, with a session of one executor."""
    cells = server.connect(kernel)
    cells.run("%load_ext sparkk8s_nb")
    cells.run("%sparkk8s start -n 1 --cores 1 --memory 1g")
    cells.wait_ready(1)
    cells.job()
    cells.run("spark.range(10).count()")  # without a query the UI has no page for SQL
    yield cells
    if not cells.value("sparkk8s_nb.current() is None"):
        cells.run("%sparkk8s stop")


@pytest.fixture(scope="module")
def facts(cells):
    """The session that runs."""
    return cells.facts()


@pytest.fixture
def blocked(cells, tmp_path):
    """The kernel, blocked by a cell until this is called, or the test is over; the cell ends well."""
    with blocking_cell(cells, tmp_path) as let_end:
        yield let_end


def test_the_panel_sees_the_session_of_this_servers_kernel(server, kernel, facts):
    """With the notebook that it belongs to."""
    answer = server.ask("sparkk8s/api/sessions").json
    [row] = answer["sessions"]
    assert answer["problem"] is None
    assert (row["name"], row["kernel_id"], row["path"]) == (facts.name, kernel, "Flights.ipynb")
    assert (row["state"], row["ui"], row["executors"], row["app_id"]) == ("running", True, 1, facts.app_id)


def test_another_server_of_the_same_user_does_not(server, new_server, facts):
    """Neither in its list nor by its name."""
    other = new_server()
    assert other.ask("sparkk8s/api/sessions").json["sessions"] == []
    assert other.ask(f"sparkk8s/ui/{facts.name}/jobs/").status == 404


def test_the_magics_link_leads_through_this_server(server, cells, facts):
    """By its path: the browser knows the server under its own name."""
    link = cells.run("%sparkk8s ui").said
    assert f"Spark UI: {BASE}sparkk8s/ui/{facts.name}/" in link


def ui(server, facts, path, **headers):
    return server.ask(f"sparkk8s/ui/{facts.name}{path}", **headers)


@pytest.mark.parametrize("path", ["", "/", "/jobs", "/nothing-here"])
def test_redirects_of_the_real_ui_stay_under_the_route(server, facts, path):
    """Spark says host and port, Jetty a bare path."""
    answer = ui(server, facts, path)
    assert answer.status in (301, 302)
    assert answer.headers["Location"] == f"{BASE}sparkk8s/ui/{facts.name}/jobs/"


@pytest.mark.parametrize("path", ["/jobs/", "/stages/", "/storage/", "/environment/", "/executors/", "/SQL/"])
def test_every_page_of_the_real_ui_leads_only_to_what_is_under_the_route(server, facts, path):
    """Its scripts get the route as their root."""
    base = f"{BASE}sparkk8s/ui/{facts.name}"
    answer = ui(server, facts, path)
    assert answer.status == 200
    links = set(re.findall(r'\s(?:href|src|action)="([^"#?][^"]*)"', answer.text))
    assert links
    assert [link for link in links if not link.startswith((f"{base}/", "https://", "data:"))] == []
    assert f"setUIRoot('{base}')" in answer.text
    assert "proxy" not in base.split("/")
    assert "history" not in base.split("/")


def test_the_executors_page_gets_its_rows(server, facts):
    """All that its script asks for, at the places where it asks."""
    assert ui(server, facts, "/static/executorspage-template.html").status == 200
    [app] = ui(server, facts, "/api/v1/applications").json
    assert app["id"] == facts.app_id
    rows = ui(server, facts, f"/api/v1/applications/{app['id']}/allexecutors").json
    assert sorted(row["id"] for row in rows) == ["1", "driver"]
    assert ui(server, facts, f"/api/v1/applications/{app['id']}/allmiscellaneousprocess").status == 200


def test_the_page_may_be_framed_by_this_server_and_no_other(server, facts):
    """A tab of JupyterLab shows it."""
    headers = ui(server, facts, "/jobs/").headers
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]


def test_the_real_ui_is_closed_without_our_signature(server, facts):
    """Whoever finds its port gets nothing."""
    import http.client
    from urllib.parse import urlsplit

    url = json.loads((facts.root / "record.json").read_text())["ui_url"]
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/jobs/")
        assert connection.getresponse().status == 403


def test_a_session_is_scaled_through_the_server_while_a_cell_blocks(server, kernel, cells, blocked):
    """In the magic's words; the cell goes on."""
    answer = server.act(kernel, {"do": "scale", "executors": 2, "id": "s1"}).json
    assert answer == {"done": "s1", "said": "Scaling from 1 to 2 executors."}
    blocked()
    assert cells.fleet()["wanted"] == 2


def test_a_scale_that_cannot_be_is_refused_in_the_magics_words(server, kernel, cells):
    """Through the server as well."""
    said = cells.run("%sparkk8s scale 0", fails=True).error
    answer = server.act(kernel, {"do": "scale", "executors": 0, "id": "s2"}).json
    assert answer["problem"] in said
    assert answer["fix"] in said


def test_the_jobs_of_a_blocked_cell_are_cancelled_through_the_server(server, kernel, cells, facts):
    """The cell ends with the error of a cancelled one, and the session lives on."""
    cell = cells.begin(SLOW, says="begun\n")

    # The job may not have begun when the cell has.
    running = f"/api/v1/applications/{facts.app_id}/jobs?status=running"
    assert eventually(lambda: len(ui(server, facts, running).json) == 1)
    answer = server.act(kernel, {"do": "cancel_all", "id": "c1"}).json
    assert answer == {"done": "c1", "said": "Cancelled 1 job of any cell."}
    assert "JobsCancelledError" in cells.end(cell, fails=True).error
    cells.job()


def test_a_job_is_ended_by_the_link_in_the_real_uis_own_page(server, cells, facts):
    """A form with Spark's own token; the cell ends with Spark's error."""
    cell = cells.begin(SLOW, says="begun\n")
    assert eventually(lambda: "/jobs/job/kill" in ui(server, facts, "/jobs/").text)
    page = ui(server, facts, "/jobs/").text
    [form] = re.findall(r'<form[^>]*action="([^"]*/jobs/job/kill/?)"[^>]*>(.*?)</form>', page, re.DOTALL)
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form[1]))
    cookies = server.log_in()
    own = f"http://127.0.0.1:{server.port}"
    answer = server.ask(
        form[0].removeprefix(BASE),
        method="POST",
        body=urlencode(fields).encode(),
        token=False,
        Cookie="; ".join(f"{name}={value}" for name, value in cookies.items()),
        Origin=own,
        Referer=f"{own}{BASE}sparkk8s/ui/{facts.name}/jobs/",
        Content_Type="application/x-www-form-urlencoded",
    )
    assert answer.status in (302, 303), answer.text
    assert answer.headers["Location"].startswith(f"{BASE}sparkk8s/ui/{facts.name}/")
    cells.end(cell, fails=True)
    cells.job()


def test_an_executors_log_comes_through_the_server(server, kernel, cells):
    """Its last lines."""
    answer = server.act(kernel, {"do": "log", "executor": "1", "id": "l1"}).json
    assert any("Executor" in line for line in answer["lines"]), answer


def test_a_session_is_stopped_through_the_server_while_a_cell_blocks(server, kernel, blocked, facts):
    """Nothing of it is left, and the list is empty."""
    answer = server.act(kernel, {"do": "stop", "id": "x1"}).json
    assert answer["said"].endswith("Nothing left."), answer
    assert server.ask("sparkk8s/api/sessions").json["sessions"] == []
    assert ui(server, facts, "/jobs/").status == 404


@pytest.fixture(scope="module")
def past(server, cells, facts):
    """The base of the history server's pages, once the session has stopped."""
    if not cells.value("sparkk8s_nb.current() is None"):
        cells.run("%sparkk8s stop")
    yield f"{BASE}sparkk8s/past"
    stop_history_server()


def past_record():
    return Path(os.environ["SPARKK8S_RUNTIME_DIR"]) / "past" / "record.json"


def history_server():
    """The process that serves stopped sessions, and its JVM."""
    directory = past_record().parent
    holder = json.loads(past_record().read_text())["holder"]
    jvm = json.loads((directory / "jvm.json").read_text())
    return ProcessId(pid=holder["pid"], started=holder["started"]), ProcessId(**jvm)


def stop_history_server():
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        supervisor, jvm = history_server()
        os.kill(supervisor.pid, signal.SIGTERM)
        assert eventually(lambda: not is_alive(supervisor) and not is_alive(jvm))


def test_the_event_log_of_a_stopped_session_is_listed(server, past, facts):
    """The newest first."""
    rows = server.ask("sparkk8s/api/history").json["applications"]
    assert rows[0]["app_id"] == facts.app_id
    assert rows[0]["complete"]


def test_a_stopped_sessions_ui_is_shown_again(server, past, facts):
    """By Spark's own history server, under our route; it is started at the first look."""
    answer = server.ask(f"sparkk8s/past/{facts.app_id}/")
    assert (answer.status, answer.headers["Location"]) == (302, f"{past}/history/{facts.app_id}/jobs/")
    page = server.follow(f"sparkk8s/past/{facts.app_id}/")
    assert page.status == 200
    assert "Completed Jobs" in page.text
    links = set(re.findall(r'\s(?:href|src|action)="([^"#?][^"]*)"', page.text))
    assert [link for link in links if not link.startswith((f"{past}/", "https://", "data:"))] == []


def test_a_stopped_sessions_executors_page_gets_its_rows(server, past, facts):
    """Its script goes by the words of the address: before ``history`` is our route, behind it the application."""
    server.ask(f"sparkk8s/past/{facts.app_id}/")
    rows = server.ask(f"sparkk8s/past/api/v1/applications/{facts.app_id}/allexecutors").json
    assert {"driver", "1"} <= {row["id"] for row in rows}
    assert server.ask("sparkk8s/past/static/executorspage-template.html").status == 200


def test_the_magic_and_the_command_line_lead_to_the_last_one(server, past, cells, facts):
    """In the notebook through the server; on a line by a link of 127.0.0.1 that opens once."""
    assert f"{past}/{facts.app_id}/" in cells.run("%sparkk8s ui --last").said
    from sparkk8s_nb.cli.main import main

    assert main(["ui", "--last", "--json"]) == 0


def test_the_history_server_listens_on_loopback_only_and_wants_a_signature(server, past, facts):
    """As the driver's UI does."""
    import http.client

    server.ask(f"sparkk8s/past/{facts.app_id}/")
    _, jvm = history_server()
    listening = [
        address.laddr
        for address in psutil.Process(jvm.pid).net_connections(kind="tcp")
        if address.status == psutil.CONN_LISTEN
    ]
    assert [address.ip.removeprefix("::ffff:") for address in listening] == ["127.0.0.1"]
    for path in ("/", f"/history/{facts.app_id}/jobs/", "/api/v1/applications", "/static/webui.js"):
        connection = http.client.HTTPConnection("127.0.0.1", listening[0].port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path)
            assert connection.getresponse().status == 403, path


def test_a_history_server_that_was_killed_takes_its_jvm_along_and_the_next_look_starts_another(
    server, past, facts
):
    """A page that is open goes on."""
    server.ask(f"sparkk8s/past/{facts.app_id}/")
    supervisor, jvm = history_server()
    os.kill(supervisor.pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(supervisor) and not is_alive(jvm))
    assert server.follow(f"sparkk8s/past/history/{facts.app_id}/jobs/").status == 200
    assert history_server()[0] != supervisor


def test_a_history_server_that_ends_leaves_nothing(server, past, facts):
    """No process, no directory; the event log stays."""
    server.ask(f"sparkk8s/past/{facts.app_id}/")
    stop_history_server()
    assert eventually(lambda: not past_record().parent.exists())
    assert facts.app_id in {row["app_id"] for row in server.ask("sparkk8s/api/history").json["applications"]}


def test_a_dead_session_that_no_keeper_swept_is_swept_by_the_next_server(server, new_server, remains):
    """Kernel and keeper were killed at once."""
    kernel = server.open_notebook("Killed.ipynb")
    cells = server.connect(kernel)
    cells.run("%load_ext sparkk8s_nb")
    facts = cells.start("-n 1 --cores 1 --memory 1g", executors=1)
    pid = cells.value("__import__('os').getpid()")
    os.kill(facts.keeper.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not is_alive(facts.keeper))
    assert f"Lease {facts.name}" in remains.objects(facts.name)
    next_server = new_server()
    assert eventually(lambda: remains.objects(facts.name) == []), next_server.said
    assert eventually(lambda: facts.name not in remains.session_directories())
    assert eventually(lambda: f"removed what dead sessions had left: {facts.name}" in next_server.said)
    assert eventually(lambda: not is_alive(facts.jvm) and not processes_of(facts.app_id))
