"""HTTPS to the Kubernetes API server: TLS, proxy, bearer token, timeouts; nothing of Kubernetes' objects.

The kernel's adapter and the keeper both speak through it, so there is one place that handles credentials.
It uses urllib3 alone: importing the ``kubernetes`` package costs 0.4 s and 20 MB, and is left to kubeconfigs
whose credentials come from a plugin.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import ssl
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3
from urllib3.util.ssl_ import create_urllib3_context

from sparkk8s_nb.model.spec import ClusterAccess

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
KEEP_ALIVE = ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds to wait for a connection, and for each piece of an answer."""

    connect: float = 5.0
    read: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered.

    Parameters
    ----------
    status : int
    body : bytes
    retry_after : float or None
        Seconds, where the server asked for a pause.
    """

    status: int
    body: bytes = b""
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON.

        >>> Answer(status=200, body=b'{"kind": "Pod"}').json()
        {'kind': 'Pod'}
        """
        return json.loads(self.body)


class Stream:
    """An answer that goes on: its lines as they come, until the server, a timeout or :meth:`shut` ends it."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self.status = response.status

    def body(self) -> bytes:
        """The whole rest; for answers that are errors."""
        return self._response.read()

    def lines(self) -> Iterator[bytes]:
        """Each line without its end; raises urllib3's errors when the connection breaks."""
        rest = b""
        while data := self._response.read1(65536):
            *complete, rest = (rest + data).split(b"\n")
            yield from (line for line in complete if line.strip())
        if rest.strip():
            yield rest

    def shut(self) -> None:
        """End a read that another thread is blocked in, at once; harmless when there is none."""
        # The response may be finished or returned to the pool at any moment: then there is nothing to end.
        with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):
            self._response.shutdown()

    def close(self) -> None:
        """Give up the connection: it is in the middle of an answer and cannot be used again."""
        with contextlib.suppress(OSError):
            self._response.close()


class Requests(Protocol):
    """What carries requests: :class:`ApiServer`, or a script in tests."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        timeouts: Timeouts | None = None,
    ) -> Answer:
        """Send one request and read its answer."""
        ...


class ApiServer:
    """Requests to one API server. Thread-safe.

    Parameters
    ----------
    access : ClusterAccess
    token : callable, optional
        Gives the bearer token for each request; default: the access's file, read each time because
        tokens rotate, or its token.
    refused : callable, optional
        Told of a token that the server does not accept (401); returns whether there is another one by now, with
        which the request is sent once more.

    Raises
    ------
    OSError
        If a certificate file is missing or no certificate (``ssl.SSLError`` is one).
    """

    def __init__(
        self,
        access: ClusterAccess,
        *,
        token: Callable[[], str] | None = None,
        refused: Callable[[str], bool] | None = None,
    ) -> None:
        self.access = access
        self._base = access.server.rstrip("/")
        self._token = token or (lambda: bearer_token(access))
        self._refused = refused
        self._pool = _pool(access)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        timeouts: Timeouts | None = None,
    ) -> Answer:
        """Send one request and read its answer, whatever its status.

        Raises
        ------
        urllib3.exceptions.HTTPError
            If there is no answer.
        OSError
            If the token's file cannot be read.
        """
        timeouts = timeouts or Timeouts()
        url, data = self._url(path, query), None if body is None else json.dumps(body).encode()
        kind = None if body is None else content_type

        def send(token: str) -> Answer:
            response = self._pool.request(
                method,
                url,
                body=data,
                headers=_headers(kind, token),
                timeout=urllib3.Timeout(connect=timeouts.connect, read=timeouts.read),
                retries=False,
                redirect=False,
            )
            pause = _seconds(response.headers.get("Retry-After"))
            return Answer(status=response.status, body=response.data, retry_after=pause)

        token = self._token()
        answer = send(token)
        if answer.status == 401 and self._refused is not None and self._refused(token):
            return send(self._token())
        return answer

    def stream(self, path: str, *, query: Mapping[str, str], timeouts: Timeouts) -> Stream:
        """Begin an answer that goes on; ``timeouts.read`` bounds the silence between two pieces of it."""
        response = self._pool.request(
            "GET",
            self._url(path, query),
            headers=_headers(None, self._token()),
            timeout=urllib3.Timeout(connect=timeouts.connect, read=timeouts.read),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        return Stream(response)

    def close(self) -> None:
        """Close all idle connections."""
        self._pool.clear()

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        return f"{self._base}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")


def _headers(content_type: str | None, token: str) -> dict[str, str]:
    headers = {"Accept": "application/json, */*", "User-Agent": "sparkk8s-nb"}
    if content_type:
        headers["Content-Type"] = content_type
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def bearer_token(access: ClusterAccess) -> str:
    """The token to send now: from the file, which may have been rotated, else the fixed one.

    >>> bearer_token(ClusterAccess(server="https://127.0.0.1:6443", token="t"))
    't'
    """
    if access.token_file is not None:
        return access.token_file.read_text(encoding="utf-8").strip()
    return access.token


def _pool(access: ClusterAccess) -> urllib3.PoolManager:
    """A connection pool with this cluster's certificates, through a proxy where one is configured."""
    options: dict[str, Any] = {"maxsize": 8, "socket_options": list(KEEP_ALIVE)}
    if access.server.startswith("https:"):
        options["ssl_context"] = _tls(access)
        if not access.verify:
            options["cert_reqs"] = "CERT_NONE"
        if access.tls_server_name:
            options["server_hostname"] = access.tls_server_name
    proxy = access.proxy or _proxy_of_environment(access.server)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _tls(access: ClusterAccess) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if access.verify else ssl.CERT_NONE)
    # Python 3.13 refuses certificate authorities without an authority key identifier; clusters have them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.ca_file is not None:
        context.load_verify_locations(cafile=access.ca_file)
    elif access.verify:
        context.load_default_certs()
    if access.client_cert_file is not None:
        context.load_cert_chain(access.client_cert_file, access.client_key_file)
    return context


def _proxy_of_environment(server: str) -> str:
    """The proxy that ``HTTPS_PROXY`` and ``NO_PROXY`` choose; never one for this machine itself."""
    parts = urllib.parse.urlsplit(server)
    host = parts.hostname or ""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return ""
    if host == "localhost" or urllib.request.proxy_bypass(host):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "")


def _seconds(header: str | None) -> float | None:
    """``Retry-After`` in seconds; its form with a date is not used by API servers."""
    try:
        return float(header) if header else None
    except ValueError:
        return None
