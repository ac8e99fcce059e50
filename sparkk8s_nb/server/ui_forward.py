"""What goes on to the Spark UI and what comes back, header by header. Pure.

Requests pass by an allow-list: what a browser sends along for somebody else (cookies of every server on this
host name, a Jupyter token, forwarding headers) is nothing to the UI. Bodies pass as they are: with
``X-Forwarded-Context`` every link in Spark's pages and scripts stands under our base already; only its
redirects do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, unquote_plus, urlsplit, urlunsplit

from sparkk8s_nb.errors import UsageError

METHODS = ("GET", "HEAD", "POST")
"""All that the UI answers."""

FORM_BYTES = 1 << 20
"""At most so much is passed on: the UI's forms are a few bytes (end this job, end this stage)."""

Header = tuple[str, str]

_PAGE = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)*([A-Za-z0-9_-][A-Za-z0-9._-]*)?")

# Meant for Jupyter's server, where they stand in a URL at all.
_OTHERS_ARGUMENTS = frozenset({"token", "_xsrf"})

_PASS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-type",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "pragma",
        "range",
        "user-agent",
        "x-requested-with",
    }
)
# RFC 9110, section 7.6.1, and the older names that mean the same.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-connection",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# The UI sets no cookie; if it did, every server on this host name would get it.
_NOT_OURS_TO_GIVE = frozenset({"set-cookie", "set-cookie2", "server"})
_LOCATIONS = frozenset({"location", "content-location"})

# Spark's scripts take the segment behind either word for an application's id.
_MISREAD = frozenset({"proxy", "history"})
_BASE = re.compile(r"(/[A-Za-z0-9._~%@-]+)*")


def check_base(base: str) -> str:
    """The path under which the UI is shown: ``""``, or segments that each begin with ``/``.

    Raises
    ------
    UsageError
        If it is no such path, or Spark's own scripts would misread it.

    Examples
    --------
    >>> check_base("/user/ada/sparkk8s/ui/7")
    '/user/ada/sparkk8s/ui/7'
    """
    if not _BASE.fullmatch(base) or _MISREAD.intersection(base.split("/")):
        raise UsageError(
            f"{base!r} cannot be the base path of the Spark UI.",
            fix="Use segments of letters and digits, none of them 'proxy' or 'history'.",
        )
    return base


def path_under(uri: str, base: str) -> str | None:
    """Path and query on the UI's side of what a browser asked for; None for what is not under the base.

    A token for Jupyter's server stays here: the UI repeats the query in links.

    Parameters
    ----------
    uri : str
        As it came: not decoded, not made shorter.
    base : str
        See :func:`check_base`.

    Examples
    --------
    >>> path_under("/b/jobs/job/?id=3&token=hush", "/b"), path_under("/b", "/b"), path_under("/bad/", "/b")
    ('/jobs/job/?id=3', '/', None)
    """
    path, _, query = uri.partition("?")
    rest = path.removeprefix(base)
    if (base and rest == path) or (rest and not rest.startswith("/")):
        return None
    kept = [
        pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in _OTHERS_ARGUMENTS
    ]
    return (rest or "/") + (f"?{'&'.join(kept)}" if any(kept) else "")


def changes_something(path: str) -> bool:
    """Whether a request for this path of the UI may end a job or a stage; where a setting says so, by ``GET`` too.

    >>> changes_something("/jobs/job/k%69ll/?id=3"), changes_something("/jobs/job/?id=3")
    (True, False)
    """
    return "kill" in unquote(path.partition("?")[0]).lower()


def from_page_under(base: str, headers: Mapping[str, str], host: str) -> bool:
    """Whether a request comes from a page of the UI itself, by its ``Referer``.

    Examples
    --------
    >>> from_page_under("/b", {"Referer": "https://lab.example/b/jobs/"}, "lab.example")
    True
    >>> from_page_under("/b", {"Referer": "https://evil.example/b/jobs/"}, "lab.example")
    False
    """
    try:
        referer = urlsplit(headers.get("Referer", ""))
    except ValueError:
        return False
    return referer.netloc == host and referer.path.startswith(f"{base}/")


def is_own_form(base: str, headers: Mapping[str, str], host: str) -> bool:
    """Whether a ``POST`` comes from a form in a page of the UI itself, as a browser tells it of every form.

    Examples
    --------
    >>> is_own_form("/b", {"Origin": "https://lab.example", "Referer": "https://lab.example/b/jobs/"}, "lab.example")
    True
    >>> is_own_form("/b", {"Origin": "https://evil.example", "Referer": "https://lab.example/b/jobs/"}, "lab.example")
    False
    """
    try:
        origin = urlsplit(headers.get("Origin", "")).netloc
    except ValueError:
        return False
    site = headers.get("Sec-Fetch-Site", "same-origin")
    return origin == host and site == "same-origin" and from_page_under(base, headers, host)


def safe_page(page: str) -> str:
    """A page of the UI that a link may lead to first; ``""`` for everything else.

    >>> safe_page("history/spark-1/jobs/"), safe_page("../x"), safe_page("//evil.example/")
    ('history/spark-1/jobs/', '', '')
    """
    return page if _PAGE.fullmatch(page) else ""


def request_headers(headers: Iterable[Header], *, port: int, base: str, authorization: str) -> list[Header]:
    """The headers of the request to the UI.

    Parameters
    ----------
    headers : iterable of (str, str)
        What the browser sent.
    port : int
        The UI's port on 127.0.0.1.
    base : str
        See :func:`check_base`.
    authorization : str
        From :func:`sparkk8s_nb.server.jws.authorization`.

    Examples
    --------
    >>> request_headers([("Cookie", "theirs"), ("Accept", "text/html")], port=4040, base="/b",
    ...     authorization="Bearer x")[3:]
    [('Connection', 'close'), ('Accept', 'text/html')]
    """
    ours = [
        ("Host", f"127.0.0.1:{port}"),
        ("Authorization", authorization),
        ("X-Forwarded-Context", base),
        ("Connection", "close"),
    ]
    return ours + [(name, value) for name, value in headers if name.lower() in _PASS]


def response_headers(headers: Iterable[Header], *, port: int, base: str) -> list[Header]:
    """The headers of the answer to the browser: what concerns one connection only is left out.

    Examples
    --------
    >>> response_headers([("Location", "http://127.0.0.1:4040/jobs/"), ("Connection", "x-a"), ("X-A", "1")],
    ...     port=4040, base="/b")
    [('Location', '/b/jobs/')]
    """
    pairs = list(headers)
    named = {
        token.strip().lower()
        for name, value in pairs
        if name.lower() == "connection"
        for token in value.split(",")
    }
    dropped = _HOP_BY_HOP | _NOT_OURS_TO_GIVE | named
    return [
        (name, under_base(value, port=port, base=base) if name.lower() in _LOCATIONS else value)
        for name, value in pairs
        if name.lower() not in dropped
    ]


def under_base(location: str, *, port: int, base: str) -> str:
    """Where a redirect of the UI leads, as the browser must say it.

    Spark redirects to ``http://HOST:PORT/jobs/``, Jetty to ``/jobs/``; neither knows of the base. Whatever
    leads elsewhere stays as it is.

    Examples
    --------
    >>> under_base("/stages/stage/?id=3#tasks", port=4040, base="/b")
    '/b/stages/stage/?id=3#tasks'
    >>> under_base("https://spark.apache.org/docs/", port=4040, base="/b")
    'https://spark.apache.org/docs/'
    """
    try:
        parts = urlsplit(location)
        own = parts.scheme in ("", "http") and parts.hostname in _LOCAL_NAMES and parts.port == port
    except ValueError:  # a port that is no number: nothing of Spark's
        return location
    if parts.netloc and not own:
        return location
    if not parts.netloc and (parts.scheme or not parts.path.startswith("/")):
        return location
    # One slash only: with an empty base, //name would lead to another host.
    path = "/" + parts.path.lstrip("/")
    if base and (path == base or path.startswith(base + "/")):
        return urlunsplit(("", "", path, parts.query, parts.fragment))
    return urlunsplit(("", "", base + path, parts.query, parts.fragment))


_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})


def names_this_machine(host: str) -> bool:
    """Whether a ``Host`` header names the loopback address, with any port (a tunnel may change it).

    A page whose own name was made to resolve to 127.0.0.1 (DNS rebinding) sends that name.

    Examples
    --------
    >>> names_this_machine("127.0.0.1:4321"), names_this_machine("localhost"), names_this_machine("evil.example")
    (True, True, False)
    """
    name, _, port = host.partition(":")
    return name.lower() in _LOCAL_NAMES and (not port or port.isdecimal())


def from_own_page(headers: Mapping[str, str], host: str) -> bool:
    """Whether a request comes from our own page or the address bar, not from another page.

    ``SameSite`` alone is not enough: to a browser every port of 127.0.0.1 is the same site, and another
    user's server may listen on one of them.

    Examples
    --------
    >>> from_own_page({"Sec-Fetch-Site": "same-site"}, "127.0.0.1:1")
    False
    >>> from_own_page({"Origin": "http://127.0.0.1:1"}, "127.0.0.1:1")
    True
    """
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return False
    return headers.get("Origin", f"http://{host}") == f"http://{host}"
