"""The local proxy as a process, in front of a UI of our own: who gets in, what passes, when it ends."""

from __future__ import annotations

import http.client
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sparkk8s_nb.errors import NoSessionError, SessionError
from sparkk8s_nb.processes import identify, is_alive
from sparkk8s_nb.server import local_ui
from sparkk8s_nb.server.jws import sign
from sparkk8s_nb.server.local_ui import open_ui, stop_ui
from sparkk8s_nb.server.ui_address import ADDRESS_FILE, LOG_FILE, read_address
from tests.eventually import until

from .conftest import LONG, Browser


@pytest.fixture(scope="module")
def shared_place(make_place):
    """One proxy for the tests that only ask it something."""
    return make_place()


@pytest.fixture
def place(shared_place, spark_ui):
    """The shared session, with this test's UI."""
    shared_place.write(spark_ui.url)
    return shared_place


@pytest.fixture
def browser(place):
    """A browser that is in."""
    return place.browser()


def test_a_link_opens_the_ui_once(place):
    """A cookie that scripts cannot read and other sites cannot send, for this path only."""
    url = place.link()
    first, second = (Browser(urlsplit(url).port) for _ in range(2))
    answer = first.enter(url)
    attributes = set(answer.headers["Set-Cookie"].split("; ")[1:])
    assert attributes == {"HttpOnly", "SameSite=Strict", f"Path={first.base}"}
    assert f'content="0; url={first.base}/"' in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert first.page("/jobs/").text == "hello"
    assert second.enter(url).status == 403
    assert first.page("/jobs/").status == 200


def test_a_link_may_lead_to_a_page_of_the_ui_and_to_nothing_else(place):
    """A stopped session's is not the first one."""
    place.link()
    for page, shown in (("history/spark-1/jobs/", "history/spark-1/jobs/"), ("//evil.example/", "")):
        url = open_ui(place.record, page).url
        browser = Browser(urlsplit(url).port)
        answer = browser.enter(url)
        assert f'content="0; url={browser.base}/{shown}"' in answer.text


def test_whoever_only_looks_at_a_link_does_not_use_it_up(place):
    """Link previews send HEAD."""
    url = place.link()
    parts = urlsplit(url)
    browser = Browser(parts.port)
    assert browser.get(f"/?{parts.query}", method="HEAD").status == 403
    assert browser.enter(url).status == 200


def test_without_a_cookie_nothing_is_shown(browser, spark_ui):
    """Whatever the path and the method; the answer says what to do, and the UI hears nothing."""
    stranger = Browser(browser.port)
    paths = ["/", "/?token=guess", "/jobs/", "/favicon.ico", "/ticket", browser.base, f"{browser.base}/jobs/"]
    for path in paths:
        for method in ("GET", "HEAD", "POST"):
            answer = stranger.get(path, method=method)
            assert answer.status == 403, (method, path)
            assert method == "HEAD" or "run %sparkk8s ui" in answer.text
    stranger.cookie = "sparkk8s-ui=guess"
    assert stranger.get(f"{browser.base}/jobs/").status == 403
    assert spark_ui.asked == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"])
def test_other_methods_are_refused(browser, spark_ui, method):
    """The UI needs none."""
    assert browser.page("/jobs/", method=method).status == 405
    assert spark_ui.asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_name_that_resolves_to_this_machine_gets_nothing(browser, place, host):
    """Not even with cookie, ticket or secret."""
    assert browser.page("/jobs/", Host=host).status == 403
    address = read_address(place.record.parent)
    signed = {"Authorization": f"Bearer {address.secret}"}
    assert browser.get("/ticket", method="POST", Host=host, **signed).status == 403
    parts = urlsplit(place.link())
    assert browser.get(f"/?{parts.query}", Host=host).status == 403
    assert browser.get(f"/?{parts.query}").status == 200


def test_a_tunnel_may_change_the_port(browser):
    """``ssh -L 9999:127.0.0.1:PORT``."""
    assert browser.page("/jobs/", Host="localhost:9999").status == 200


def test_another_servers_page_cannot_use_the_cookie(browser, spark_ui):
    """All ports of a host are one site to a browser: ending a job from another page is refused."""
    for headers in ({"Sec_Fetch_Site": "same-site"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}):
        assert browser.page("/jobs/job/kill/", method="POST", **headers).status == 403
    assert spark_ui.asked == []


def test_the_ui_gets_a_signed_request_and_nothing_of_the_browsers(browser, place, spark_ui):
    """Signature, base and its own name; no cookie, no origin."""
    origin = f"http://127.0.0.1:{browser.port}"
    answer = browser.page("/jobs/job/kill/?id=3", method="POST", body=b"terminate=true", Origin=origin)
    assert answer.status == 200
    [(method, path, headers, body)] = spark_ui.asked
    assert (method, path, body) == ("POST", "/jobs/job/kill/?id=3", b"terminate=true")
    assert headers["Host"] == urlsplit(spark_ui.url).netloc
    assert headers["X-Forwarded-Context"] == browser.base
    assert not {"Cookie", "Origin", "Referer"} & headers.keys()
    scheme, _, token = headers["Authorization"].partition(" ")
    assert (scheme, token.split(".")[0]) == ("Bearer", sign(place.key, {}).split(".")[0])


def test_answers_pass_as_they_are_but_for_cookies_and_redirects(browser, spark_ui):
    """Status, headers of the page, an empty body."""
    spark_ui.routes["/"] = lambda request: request.plain(
        302,
        b"",
        Location=f"{spark_ui.url}/jobs/",
        Set_Cookie="a=b",
        X_Frame_Options="SAMEORIGIN",
        Server="Jetty",
    )
    spark_ui.routes["/old"] = lambda request: request.plain(304, b"", ETag='"1"')
    answer = browser.page("/")
    assert (answer.status, answer.headers["Location"]) == (302, f"{browser.base}/jobs/")
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Set-Cookie"] is None
    assert answer.headers["Server"] is None or "Tornado" not in answer.headers["Server"]
    assert browser.page("").headers["Location"] == f"{browser.base}/jobs/"
    assert browser.page("/old").status == 304
    head = browser.page("/jobs/", method="HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "5", b"")


def test_an_answer_arrives_while_the_ui_still_writes(browser, spark_ui):
    """It is streamed, not collected."""
    arrived = threading.Event()

    def slow(request):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"5\r\nfirst\r\n")
        assert arrived.wait(LONG)
        request.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")

    spark_ui.routes["/slow"] = slow
    with browser.open(f"{browser.base}/slow") as response:
        assert response.read1() == b"first"
        arrived.set()
        assert response.read() == b"last"


@pytest.mark.parametrize("header", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_half_an_answer_does_not_look_like_a_whole_one(browser, spark_ui, header):
    """The driver dies in the middle of a page: the browser sees it."""

    def cut(request):
        request.send_response(200)
        request.send_header(*header.split(": "))
        request.end_headers()
        request.wfile.write(b"4\r\nhalf\r\n" if "chunked" in header else b"half")
        request.close_connection = True

    spark_ui.routes["/cut"] = cut
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        browser.page("/cut")
    assert browser.page("/jobs/").status == 200


def test_a_browser_that_goes_away_takes_its_request_along(browser, place, spark_ui):
    """The UI's side is cut too, and the next request is served."""
    gone = threading.Event()

    def endless(request):
        request.send_response(200)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65536)
        finally:
            gone.set()

    spark_ui.routes["/endless"] = endless
    response = browser.open(f"{browser.base}/endless")
    assert response.read(1000)
    response.close()
    assert gone.wait(LONG)
    assert browser.page("/jobs/").status == 200
    assert "Traceback" not in (place.record.parent / LOG_FILE).read_text()


def test_a_ui_that_is_gone_is_said_in_one_sentence(browser, place, spark_ui):
    """The driver has ended, the record is still there; with a new driver the same page works again."""
    place.write("http://127.0.0.1:1")
    answer = browser.page("/jobs/")
    assert answer.status == 502
    assert (
        "<p>The Spark UI does not answer: its session has stopped or its driver has ended.</p>" in answer.text
    )
    place.write(spark_ui.url)
    assert browser.page("/jobs/").status == 200


def test_the_second_link_leads_to_the_same_proxy(place):
    """One process a session, a fresh ticket each time; both browsers stay in."""
    first = place.browser()
    proxy = place.proxy
    second = place.browser()
    assert place.proxy == proxy
    assert (first.port, first.base) == (second.port, second.base)
    assert first.cookie != second.cookie
    assert first.page("/jobs/").status == second.page("/jobs/").status == 200


def test_two_that_ask_at_once_share_one_proxy(make_place, spark_ui):
    """Whoever comes second waits for the first."""
    place = make_place()
    place.write(spark_ui.url)
    found = []
    threads = [threading.Thread(target=lambda: found.append((place.link(), place.proxy))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    (one, first), (other, second) = found
    assert first == second
    assert one != other
    assert stop_ui(place.record)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_secret_is_in_arguments_environment_or_log(browser, place):
    """Secret, ticket, cookie and key: only memory and 0600 files know them."""
    url = place.link()
    Browser(browser.port).get("/?token=%zz&" + urlsplit(url).query, Host="evil.example")
    proxy, directory = place.proxy, place.record.parent
    process = Path(f"/proc/{proxy.pid}")
    log = (directory / LOG_FILE).read_text()
    assert "serving" in log
    public = log + (process / "cmdline").read_text() + (process / "environ").read_text()
    ticket = url.partition("token=")[2]
    secrets = [read_address(directory).secret, ticket, browser.cookie.partition("=")[2], browser.base]
    assert [secret for secret in secrets if secret in public] == []
    for name in (ADDRESS_FILE, LOG_FILE):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600


def test_the_proxy_is_out_of_reach_of_the_kernels_signals(place):
    """Its own process session, nobody's child: no interrupt hits it, and no zombie is left."""
    pid = place.browser() and place.proxy.pid
    assert os.getsid(pid) != os.getsid(0)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    os.kill(pid, signal.SIGINT)
    assert place.browser().page("/jobs/").status == 200


def test_it_ends_with_the_record(make_place, spark_ui):
    """The session has stopped and removed its directory; then the link says so."""
    place = make_place()
    place.write(spark_ui.url)
    proxy = place.browser() and place.proxy
    place.record.unlink()
    until(lambda: not is_alive(proxy), "the proxy ends")
    assert not (place.record.parent / ADDRESS_FILE).exists()
    with pytest.raises(NoSessionError):
        open_ui(place.record)


def test_it_ends_with_the_kernel(make_place, spark_ui):
    """Though nobody removed the record."""
    place = make_place()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as kernel:
        place.write(spark_ui.url, identify(kernel.pid))
        proxy = place.browser() and place.proxy
    until(lambda: not is_alive(proxy), "the proxy ends")


def test_it_ends_when_told_to(make_place, spark_ui):
    """Twice is once."""
    place = make_place()
    place.write(spark_ui.url)
    proxy = place.browser() and place.proxy
    assert stop_ui(place.record)
    assert not is_alive(proxy)
    assert not stop_ui(place.record)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_proxy_that_does_not_answer_is_replaced(make_place, spark_ui, monkeypatch, number):
    """Killed or stopped: the next link works."""
    monkeypatch.setattr(local_ui, "ASK_SECONDS", 1.0)
    monkeypatch.setattr(local_ui, "END_SECONDS", 0.2)
    place = make_place()
    place.write(spark_ui.url)
    first = place.browser() and place.proxy
    os.kill(first.pid, number)
    assert place.browser().page("/jobs/").status == 200
    assert place.proxy != first
    assert not is_alive(first)
    assert stop_ui(place.record)


def test_a_proxy_that_cannot_start_says_why(make_place, spark_ui, monkeypatch):
    """The last line of its log."""
    place = make_place()
    place.write(spark_ui.url)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SessionError, match="it said nothing"):
        open_ui(place.record)
