"""Every route of ours wants Jupyter's authentication, and every change its XSRF token. No Spark is needed for that."""

from __future__ import annotations

import base64
import itertools
import re

import pytest

from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.processes import boot_id, identify
from sparkk8s_nb.server.routes import handlers

from .conftest import BASE, TOKEN

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

EXAMPLES = {
    "/api/sessions": "/api/sessions",
    "/api/namespace": "/api/namespace",
    "/api/history": "/api/history",
    "/api/kernels/([0-9a-zA-Z_-]+)/actions": "/api/kernels/{kernel}/actions",
    "/ui/([^/]+)(/.*)?": "/ui/spark-a-1/jobs/",
    "/past/((?:spark|local|app)-[0-9A-Za-z_-]+)/?": "/past/spark-1/",
    "/past(/.*)?": "/past/history/spark-1/jobs/",
}
"""A path for each pattern; a pattern without one fails the test."""

ROUTES = handlers("/", None)


def pattern(route):
    """A route's pattern, without what all have in front."""
    return route[0].removeprefix(re.escape("/sparkk8s"))


def checks():
    """Every route with every method that exists."""
    return [(pattern(route), method) for route, method in itertools.product(ROUTES, METHODS)]


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """The runtime directory of this user's kernels."""
    return private_dir(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="module")
def server(new_server, runtime, tmp_path_factory):
    """One server, which must not be told of this user's own sessions."""
    state = private_dir(tmp_path_factory.mktemp("state") / "state")
    return new_server(SPARKK8S_RUNTIME_DIR=str(runtime), SPARKK8S_STATE_DIR=str(state))


@pytest.fixture(scope="module")
def kernel(server):
    """A kernel of that server."""
    return server.open_notebook()


@pytest.fixture(scope="module")
def cookies(server):
    """A browser that is logged in."""
    return server.log_in()


def cookie_header(cookies):
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def test_the_shipped_file_turns_the_extension_on(server):
    """And Jupyter has nothing to say against its routes."""
    assert "sparkk8s_nb | extension was successfully loaded" in server.said
    assert "Extension endpoints without" not in server.said


def test_every_route_has_an_example_here():
    """A new route is walked too."""
    assert {pattern(route) for route in ROUTES} == EXAMPLES.keys()
    assert all(re.fullmatch(path, example) for path, example in EXAMPLES.items() if "{" not in example)


@pytest.mark.parametrize(("path", "method"), checks())
def test_no_route_answers_without_authentication(server, kernel, path, method):
    """A page leads to the login; everything else is refused, also for a token that is wrong."""
    where = "sparkk8s" + EXAMPLES[path].format(kernel=kernel)
    for headers in ({}, {"Authorization": "token wrong"}, {"Cookie": "username-127-0-0-1=forged"}):
        answer = server.ask(where, method=method, token=False, **headers)
        assert answer.status in (302, 403, 405), (where, method, headers)
        if answer.status == 302:
            assert answer.headers["Location"].startswith(f"{BASE}login?")
        assert b"sessions" not in answer.body
    wrong = server.ask(f"{where}?token=wrong", method=method, token=False)
    assert wrong.status in (302, 403, 405)


@pytest.mark.parametrize("path", [pattern(route) for route in ROUTES])
def test_a_method_that_a_route_does_not_have_is_said_before_anything_else(server, kernel, path):
    """Also to those who are in."""
    where = "sparkk8s" + EXAMPLES[path].format(kernel=kernel)
    [handler] = [route[1] for route in ROUTES if pattern(route) == path]
    for method in set(METHODS) - set(handler.SUPPORTED_METHODS):
        assert server.ask(where, method=method).status == 405


@pytest.mark.parametrize("path", [pattern(route) for route in ROUTES if "POST" in route[1].SUPPORTED_METHODS])
def test_a_page_of_another_site_cannot_post(server, kernel, cookies, path):
    """It makes the browser send the cookie, and does not know the XSRF token."""
    where = "sparkk8s" + EXAMPLES[path].format(kernel=kernel)
    body = {"do": "stop", "id": "x1"}
    cookie = cookie_header(cookies)
    for headers in ({}, {"X_XSRFToken": "wrong"}):
        answer = server.ask(where, method="POST", body=body, token=False, Cookie=cookie, **headers)
        assert answer.status == 403, (where, headers)
        assert "xsrf" in answer.text.lower()
    own = server.ask(
        where, method="POST", body=body, token=False, Cookie=cookie, X_XSRFToken=cookies["_xsrf"]
    )
    assert own.status not in (302, 403)


def test_another_site_may_not_read_with_this_browsers_cookie(server, cookies):
    """Jupyter's own rule for its API."""
    answer = server.ask(
        "sparkk8s/api/sessions", token=False, Cookie=cookie_header(cookies), Origin="https://evil.example"
    )
    assert answer.status == 404
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_sessions_the_list_is_empty(server):
    """Before the first start, with and without its body."""
    answer = server.ask("sparkk8s/api/sessions")
    assert answer.json == {"schema": 1, "sessions": [], "problem": None}
    head = server.ask("sparkk8s/api/sessions", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert server.ask("sparkk8s/api/history").json == {"schema": 1, "applications": [], "problem": None}


@pytest.fixture
def record(runtime, spark_ui, kernel):
    """Writes the record of a session in the server's kernel, with a UI of this test."""
    place = private_dir(private_dir(runtime / "sessions") / "spark-a-1")
    write_private(place / "ui.key", base64.urlsafe_b64encode(bytes(32)).decode())

    def write(**fields):
        me = identify()
        known = {
            "holder": Holder(boot=boot_id(), pid=me.pid, started=me.started),
            "ui_url": spark_ui.url,
            "ui_key_file": str(place / "ui.key"),
            "kernel": kernel,
        }
        made = SessionRecord(
            name="spark-a-1", owner="ada", notebook="flights", namespace="d", executors=2, **(known | fields)
        )
        return write_private(place / "record.json", made.as_json())

    yield write
    (place / "record.json").unlink(missing_ok=True)


def test_the_namespace_of_a_cluster_that_does_not_run_has_no_sessions(server, record):
    """By the command line's own eyes, and no cluster is started for them."""
    record(app_id="spark-1")
    answer = server.ask("sparkk8s/api/namespace")
    assert answer.json == {"schema": 1, "sessions": [], "more": 0, "problem": None}


def test_a_session_is_listed_from_the_beginning_of_its_start(server, record):
    """It has no Spark UI yet, and says so in words."""
    record(ui_url="")
    [row] = server.ask("sparkk8s/api/sessions").json["sessions"]
    assert (row["state"], row["ui"]) == ("starting", False)
    assert "still starting" in server.ask("sparkk8s/ui/spark-a-1/").text


def test_a_session_of_this_servers_kernel_is_listed_with_its_notebook(server, record, kernel):
    """As the panel needs it."""
    record(started=12.5, cores=1, memory=2**30, app_id="spark-1")
    [row] = server.ask("sparkk8s/api/sessions").json["sessions"]
    assert row == {
        "name": "spark-a-1", "notebook": "flights", "kernel_id": kernel, "path": "Flights.ipynb",
        "state": "running", "started": 12.5, "executors": 2, "cores": 1, "memory": 2**30, "app_id": "spark-1",
        "ui": True, "readonly": False,
    }  # fmt: skip


@pytest.mark.parametrize("kernel_id", ["", "another-servers-kernel"])
def test_a_session_of_another_servers_kernel_is_neither_listed_nor_served(
    server, record, spark_ui, kernel_id
):
    """The same user has several servers, and terminals."""
    record(kernel=kernel_id)
    assert server.ask("sparkk8s/api/sessions").json["sessions"] == []
    answer = server.ask("sparkk8s/ui/spark-a-1/jobs/")
    assert (answer.status, spark_ui.asked) == (404, [])
    assert "No kernel of this server has that session." in answer.text


def test_a_dead_session_is_listed_as_dead_and_its_ui_is_not_asked(server, record, spark_ui):
    """Its port may be somebody else's by now."""
    record(holder=Holder(boot=boot_id(), pid=2**22 + 1, started=1.0))
    [row] = server.ask("sparkk8s/api/sessions").json["sessions"]
    assert (row["state"], row["ui"]) == ("dead", False)
    assert server.ask("sparkk8s/ui/spark-a-1/jobs/").status == 502
    assert spark_ui.asked == []


@pytest.mark.parametrize(
    "fields",
    [
        {"ui_url": "http://10.255.255.1:80"},
        {"ui_url": "http://127.0.0.1@evil.example:80"},
        {"ui_url": "file:///etc/passwd"},
        {"ui_key_file": "/etc/hostname"},
        {"ui_key_file": "../other/ui.key"},
    ],
)
def test_a_record_that_points_elsewhere_leads_nowhere(server, record, spark_ui, fields):
    """No other host, no other port, no other file."""
    record(**fields)
    answer = server.ask("sparkk8s/ui/spark-a-1/jobs/")
    assert (answer.status, spark_ui.asked) == (502, [])
    assert "restart" in answer.text.lower()


def test_a_record_that_others_can_read_or_write_leads_nowhere_and_is_told(server, record, spark_ui):
    """Nor does one in another's directory (tests/unit/server/test_records.py)."""
    record().chmod(0o644)
    assert server.ask("sparkk8s/ui/spark-a-1/jobs/").status == 502
    assert "only you can read" in server.ask("sparkk8s/api/sessions").json["problem"]["problem"]
    assert spark_ui.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "%2e%2e",
        "..%2f..%2fetc",
        "spark-a-1%2f..",
        "spark-a-1%00",
        "Spark-A-1",
        "spark-%61-1",
        "x" * 500,
        "*",
    ],
)
def test_a_name_that_is_none_leads_nowhere(server, record, spark_ui, name):
    """A name comes from whoever wrote the link."""
    record()
    answer = server.ask(f"sparkk8s/ui/{name}/jobs/")
    assert (answer.status, spark_ui.asked) == (404, [])


def test_a_request_is_signed_told_its_base_and_robbed_of_what_is_jupyters(server, record, spark_ui, cookies):
    """Neither the token nor the cookies reach the UI."""
    record()
    cookie = cookie_header(cookies)
    answer = server.ask(f"sparkk8s/ui/spark-a-1/jobs/?a=1&token={TOKEN}", Cookie=cookie)
    assert (answer.status, answer.body) == (200, b"hello")
    [(method, path, headers, _body)] = spark_ui.asked
    assert (method, path) == ("GET", "/jobs/?a=1")
    assert headers["Authorization"].startswith("Bearer eyJ")
    assert headers["X-Forwarded-Context"] == f"{BASE}sparkk8s/ui/spark-a-1"
    assert TOKEN not in str(headers)
    assert "Cookie" not in headers


@pytest.mark.parametrize("location", ["{url}/jobs/", "/jobs/"])
def test_a_redirect_stays_under_the_base(server, record, spark_ui, location):
    """Spark says host and port, Jetty a bare path."""
    record()
    spark_ui.routes["/"] = lambda request: request.plain(302, Location=location.format(url=spark_ui.url))
    for path in ("sparkk8s/ui/spark-a-1", "sparkk8s/ui/spark-a-1/"):
        assert server.ask(path).headers["Location"] == f"{BASE}sparkk8s/ui/spark-a-1/jobs/"


def test_the_uis_own_headers_pass_and_jupyters_do_not_take_their_place(server, record, spark_ui):
    """What may frame the page is for the UI to say; nobody is told what server that is."""
    record()
    policy = "frame-ancestors 'self'; default-src 'self'"
    spark_ui.routes["/jobs/"] = lambda request: request.plain(
        Content_Security_Policy=policy, Set_Cookie="a=b", Server="Jetty"
    )
    answer = server.ask("sparkk8s/ui/spark-a-1/jobs/")
    assert answer.headers.get_all("Content-Security-Policy") == [policy]
    assert not any(cookie.startswith("a=") for cookie in answer.headers.get_all("Set-Cookie", []))
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_large_answer_is_passed_on_whole(server, record, spark_ui):
    """As it comes: an event log is larger than this server may become."""
    record()
    piece = b"x" * (1 << 16)

    def pieces(request):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for _ in range(256):
            request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        request.wfile.write(b"0\r\n\r\n")

    spark_ui.routes["/logs"] = pieces
    assert server.ask("sparkk8s/ui/spark-a-1/logs").body == piece * 256


def test_jobs_are_ended_from_the_uis_own_pages_only(server, record, spark_ui, cookies):
    """A setting of Spark's lets GET do it: an image on another page could, with this browser's cookie."""
    record()
    kill, cookie = "sparkk8s/ui/spark-a-1/jobs/job/kill/?id=1", cookie_header(cookies)
    own = f"http://127.0.0.1:{server.port}"
    for referer in ({}, {"Referer": "https://evil.example/"}, {"Referer": f"{own}{BASE}lab"}):
        answer = server.ask(kill, token=False, Cookie=cookie, **referer)
        assert (answer.status, spark_ui.asked) == (403, [])
    page = f"{own}{BASE}sparkk8s/ui/spark-a-1/jobs/"
    assert server.ask(kill, token=False, Cookie=cookie, Referer=page).status == 200
    assert spark_ui.asked[0][1] == "/jobs/job/kill/?id=1"


def test_a_form_of_the_uis_own_page_passes_and_one_of_another_page_does_not(
    server, record, spark_ui, cookies
):
    """Spark puts a token of its own into it, and knows nothing of Jupyter's."""
    record()
    own = f"http://127.0.0.1:{server.port}"
    page, form = f"{own}{BASE}sparkk8s/ui/spark-a-1/jobs/", "sparkk8s/ui/spark-a-1/jobs/job/kill/"
    options = {"method": "POST", "body": b"id=1&csrf=s", "token": False, "Cookie": cookie_header(cookies)}
    options["Content_Type"] = "application/x-www-form-urlencoded"
    for origin, referer in (
        (own, f"{own}{BASE}lab"),
        ("https://evil.example", page),
        (own, "https://evil.example/"),
    ):
        assert server.ask(form, Origin=origin, Referer=referer, **options).status in (403, 404)
    assert spark_ui.asked == []
    assert server.ask(form, Origin=own, Referer=page, **options).status == 200
    [(method, path, _headers, body)] = spark_ui.asked
    assert (method, path, body) == ("POST", "/jobs/job/kill/", b"id=1&csrf=s")
    options["Cookie"] = "username-127-0-0-1=forged"
    assert server.ask(form, Origin=own, Referer=page, **options).status in (302, 403)


def test_a_ui_that_is_gone_is_said_in_a_page(server, record):
    """In the tab where it was to be."""
    record(ui_url="http://127.0.0.1:1")
    answer = server.ask("sparkk8s/ui/spark-a-1/jobs/")
    assert answer.status == 502
    assert "The Spark UI does not answer" in answer.text


def test_a_form_has_a_bound(server, record, spark_ui):
    """The UI's own are a few bytes."""
    record()
    answer = server.ask("sparkk8s/ui/spark-a-1/x", method="POST", body=b"x" * (2 << 20))
    assert (answer.status, spark_ui.asked) == (413, [])


@pytest.mark.parametrize(
    "path", ["past/spark-none/", "past/history/spark-none/jobs/", "past/", "past/static/x.js"]
)
def test_a_stopped_session_without_an_event_log_starts_nothing(server, runtime, path):
    """Nobody can make the server start processes for nothing."""
    answer = server.ask(f"sparkk8s/{path}")
    assert answer.status in (404, 502)
    assert "event log" in answer.text or "stopped" in answer.text
    assert not (runtime / "past").exists()
