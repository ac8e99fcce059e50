"""What goes on to the Spark UI, and what comes back."""

from __future__ import annotations

import pytest

from sparkk8s_nb.errors import UsageError
from sparkk8s_nb.server.ui_forward import (
    check_base,
    from_own_page,
    names_this_machine,
    request_headers,
    response_headers,
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
