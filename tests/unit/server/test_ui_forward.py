"""What goes on to the Spark UI, and what comes back."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.server.ui_forward import (
    changes_something,
    check_base,
    from_own_page,
    from_page_under,
    is_own_form,
    names_this_machine,
    path_under,
    request_headers,
    response_headers,
    safe_page,
    under_base,
)

HOST = "127.0.0.1:5000"


def sent(*headers):
    """The headers of a request to the UI, by name."""
    return dict(request_headers(headers, port=4040, base="/b", authorization="Bearer s"))


@pytest.mark.parametrize("name", ["Cookie", "Origin", "Referer", "X-XSRFToken", "X-Forwarded-For", "Upgrade"])
def test_what_a_browser_sends_for_others_does_not_reach_the_ui(name):
    """Cookies of every server on the host, tokens of Jupyter, forwarding headers."""
    assert name not in sent((name, "theirs"))


def test_host_signature_and_base_are_ours_whatever_the_browser_says():
    """None of the three can be sent twice."""
    headers = request_headers(
        [("host", "evil.example"), ("authorization", "token t"), ("x-forwarded-context", "/evil")],
        port=4040,
        base="/b",
        authorization="Bearer s",
    )
    assert headers == [
        ("Host", "127.0.0.1:4040"),
        ("Authorization", "Bearer s"),
        ("X-Forwarded-Context", "/b"),
        ("Connection", "close"),
    ]


def test_what_an_answer_depends_on_goes_along():
    """Caches, ranges, compression and forms work."""
    wanted = {
        "Accept-Encoding": "gzip",
        "If-Modified-Since": "x",
        "Range": "bytes=0-1",
        "Content-Type": "text/x",
    }
    assert wanted.items() <= sent(*wanted.items()).items()


def test_what_concerns_one_connection_stays_there():
    """Hop-by-hop headers, and those that Connection names; cookies are never set."""
    given = [
        ("Connection", "close, X-Only-Here"),
        ("x-only-here", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Keep-Alive", "timeout=5"),
        ("Set-Cookie", "a=b"),
        ("Content-Type", "text/html"),
        ("Vary", "A"),
        ("Vary", "B"),
    ]
    kept = [("Content-Type", "text/html"), ("Vary", "A"), ("Vary", "B")]
    assert response_headers(given, port=4040, base="/b") == kept


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("http://127.0.0.1:4040/jobs/", "/b/jobs/"),
        ("http://localhost:4040/jobs/?a=1&b=%2F#x", "/b/jobs/?a=1&b=%2F#x"),
        ("http://127.0.0.1:4040", "/b/"),
        ("/jobs/", "/b/jobs/"),
        ("/b/jobs/", "/b/jobs/"),
        ("/b", "/b"),
        ("/bigger/", "/b/bigger/"),
        ("http://127.0.0.1:4040//evil.example/", "/b/evil.example/"),
        ("jobs/", "jobs/"),
        ("?page=2", "?page=2"),
        ("http://127.0.0.1:4041/jobs/", "http://127.0.0.1:4041/jobs/"),
        ("https://spark.apache.org/", "https://spark.apache.org/"),
        ("http://[broken", "http://[broken"),
        ("http://127.0.0.1:x/", "http://127.0.0.1:x/"),
    ],
)
def test_redirects_of_the_ui_stay_under_the_base(location, seen):
    """Spark names host and port, Jetty a path; whatever leads elsewhere is left alone."""
    assert under_base(location, port=4040, base="/b") == seen


def test_without_a_base_no_redirect_leads_to_another_host():
    """Two slashes in front would."""
    assert under_base("http://127.0.0.1:4040//evil.example/", port=4040, base="") == "/evil.example/"


@pytest.mark.parametrize(
    "base", ["/", "x", "/a//b", "/a/", "/a?b", "/a b", "/a'b", "/proxy/1", "/x/history", "/a\nb"]
)
def test_a_base_that_spark_would_misread_is_refused(base):
    """Its scripts take what follows proxy or history as an application's id."""
    with pytest.raises(UsageError):
        check_base(base)


@pytest.mark.parametrize("base", ["", "/a", "/user/ada%40x.org/sparkk8s/ui/7", "/proxyless/prehistory"])
def test_other_bases_are_taken(base):
    """JupyterHub's have the user's name in them."""
    assert check_base(base) == base


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:1", "LOCALHOST", "127.0.0.1"])
def test_the_loopback_address_is_this_machine(host):
    """With any port: a tunnel changes it."""
    assert names_this_machine(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example:1", "127.0.0.1.evil.example", "127.0.0.1:1:2", "127.0.0.1,evil", "0.0.0.0:1"]
)
def test_a_name_that_was_made_to_resolve_here_is_not_this_machine(host):
    """DNS rebinding sends the page's own name."""
    assert not names_this_machine(host)


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": f"http://{HOST}"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://127.0.0.1:5001"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_another_port_of_this_machine_is_another_page(headers, own):
    """Browsers count all ports of a host as one site and send it its cookies."""
    assert from_own_page(headers, HOST) is own


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/b", "/"),
        ("/b/", "/"),
        ("/b/jobs/?a=1&b=2", "/jobs/?a=1&b=2"),
        ("/b/jobs/?", "/jobs/"),
        ("/b/x/../y", "/x/../y"),
        ("/b//evil.example/", "//evil.example/"),
        ("/bb/", None),
        ("/a", None),
        ("/%62/jobs/", None),
        ("http://evil.example/b/jobs/", None),
        ("", None),
    ],
)
def test_only_what_is_under_the_base_goes_on(uri, path):
    """As it came: the UI decides what its paths mean."""
    assert path_under(uri, "/b") == path


@pytest.mark.parametrize(
    "query", ["token=hush", "%74oken=hush", "a=1&token=hush", "token=hush&a=1", "_xsrf=hush"]
)
def test_a_jupyter_token_in_a_url_stays_with_jupyter(query):
    """Spark writes the query into links, logs and redirects."""
    assert "hush" not in path_under(f"/b/jobs/?{query}", "/b")
    assert ("a=1" in query) == ("a=1" in path_under(f"/b/jobs/?{query}", "/b"))


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/job/kill",
        "/jobs/job/kill/?id=1",
        "/stages/stage/kill/?id=1",
        "/jobs/job/%6Bill/",
        "/jobs/job/KILL;x/",
    ],
)
def test_a_link_that_ends_something_is_known(path):
    """However it is written."""
    assert changes_something(path)


@pytest.mark.parametrize("path", ["/jobs/", "/jobs/job/?id=kill", "/static/webui.js"])
def test_a_page_ends_nothing(path):
    """Arguments name jobs and pools."""
    assert not changes_something(path)


@pytest.mark.parametrize(
    "referer",
    [
        "", "http://127.0.0.1:5000/", "http://127.0.0.1:5000/b", "http://127.0.0.1:5000/bb/", "http://evil.example/b/",
        "http://127.0.0.1:5001/b/", "http://127.0.0.1:5000@evil.example/b/", "http://[/b/",
    ],
)  # fmt: skip
def test_only_the_uis_own_pages_are_its_own(referer):
    """Not another page of the same server, and not another server."""
    assert not from_page_under("/b", {"Referer": referer}, HOST)
    assert from_page_under("/b", {"Referer": f"http://{HOST}/b/jobs/"}, HOST)


@pytest.mark.parametrize(
    "page",
    [
        "/jobs/",
        "//evil.example",
        "../x",
        "a/../b",
        "a//b",
        "https://evil.example/",
        "a?b",
        'a"b',
        "a b",
        "%2e%2e/",
    ],
)
def test_a_link_leads_to_no_page_but_the_uis(page):
    """It is written into a page of ours."""
    assert safe_page(page) == ""


PAGE = f"http://{HOST}/b/jobs/"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": f"http://{HOST}"},
        {"Referer": PAGE},
        {"Origin": "null", "Referer": PAGE},
        {"Origin": "http://evil.example", "Referer": PAGE},
        {"Origin": "http://[", "Referer": PAGE},
        {"Origin": f"http://{HOST}", "Referer": f"http://{HOST}/lab"},
        {"Origin": f"http://{HOST}", "Referer": PAGE, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_page_is_not_the_uis(headers):
    """A browser says where each form comes from; whoever does not say it has to show a token."""
    assert not is_own_form("/b", headers, HOST)
    assert is_own_form(
        "/b", {"Origin": f"https://{HOST}", "Referer": PAGE, "Sec-Fetch-Site": "same-origin"}, HOST
    )
