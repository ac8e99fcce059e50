"""The plainest client of an API server, and the two servers that the conformance tests compare."""

from __future__ import annotations

import itertools
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import websocket

from sparkk8s_nb.apiserver import bearer_token
from sparkk8s_nb.model.spec import ClusterAccess

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
SECONDS = 30.0
numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered: status, decoded body, media type."""

    code: int
    body: Any
    media: str = ""

    @property
    def names(self) -> list[str]:
        """The names of a list's items."""
        return [item["metadata"]["name"] for item in self.body["items"]]

    @property
    def refusal(self) -> tuple[int, str, dict[str, Any]]:
        """Code, reason and details of a Status that says no; the rest of its form is checked here."""
        fixed = {key: self.body.get(key) for key in ("kind", "apiVersion", "metadata", "status", "code")}
        assert fixed == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "code": self.code,
        }
        return self.code, self.body.get("reason", ""), self.body.get("details", {})


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of a watch."""

    type: str
    object: dict[str, Any]

    @property
    def seen(self) -> tuple[str, str]:
        """Its type, and its object's name."""
        return self.type, self.object["metadata"].get("name", "")


@dataclass(kw_only=True)
class Server:
    """One API server, as its administrator sees it.

    Parameters
    ----------
    access : ClusterAccess
    embedded : bool
        Whether it is the embedded one.
    kubeconfig : Path
        The same access, for kubectl.
    """

    access: ClusterAccess
    embedded: bool
    kubeconfig: Path
    pool: urllib3.PoolManager = field(init=False)
    tls: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.tls = ssl.create_default_context(cafile=str(self.access.ca_file))
        if self.access.client_cert_file is not None:
            self.tls.load_cert_chain(self.access.client_cert_file, self.access.client_key_file)
        self.pool = urllib3.PoolManager(ssl_context=self.tls)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        media: str = JSON,
        accept: str = JSON,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Answer:
        """Send one request; bytes go as they are, everything else as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Accept": accept, **self._credentials()}
        given |= {"Content-Type": media} if data is not None else {}
        response = self.pool.request(
            method,
            self._url(path, query),
            body=data,
            headers=given | dict(headers or {}),
            timeout=SECONDS,
            retries=False,
        )
        answered = response.headers.get("Content-Type", "").partition(";")[0]
        decoded = json.loads(response.data) if response.data[:1] in (b"{", b"[") else response.data.decode()
        return Answer(code=response.status, body=decoded, media=answered)

    @contextmanager
    def watch(self, path: str, *, accept: str = JSON, **query: str) -> Iterator[Iterator[Event]]:
        """The events of a watch over HTTP, as they come."""
        response = self.pool.request(
            "GET",
            self._url(path, {"watch": "true", "timeoutSeconds": "20", **query}),
            headers={"Accept": accept, **self._credentials()},
            timeout=SECONDS,
            retries=False,
            preload_content=False,
        )
        assert response.status == 200, response.data
        try:
            yield (Event(**json.loads(line)) for line in _lines(response))
        finally:
            response.close()

    @contextmanager
    def socket(self, path: str, **query: str) -> Iterator[websocket.WebSocket]:
        """A watch as a WebSocket, as Spark's client makes it."""
        connection = websocket.create_connection(
            self._url(path, {"watch": "true", **query}).replace("https", "wss", 1),
            timeout=SECONDS,
            sslopt={"context": self.tls},
            header=self._credentials(),
            origin=self.access.server,
            http_no_proxy=["*"],
        )
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A namespace with its service account; deleted at the end."""
        name = f"conformance-{os.getpid()}-{next(numbers)}"
        made = self("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.code == 201, made.body
        place = Place(server=self, name=name)
        try:
            account = self("POST", place.path("serviceaccounts"), {"metadata": {"name": "default"}})
            assert account.code in (201, 409), account.body  # a controller may have been quicker
            yield place
        finally:
            for plural in ("pods", "configmaps"):  # where no controller empties the namespace
                self("DELETE", place.path(plural), {"gracePeriodSeconds": 0})
            self("DELETE", f"/api/v1/namespaces/{name}")

    def _credentials(self) -> dict[str, str]:
        token = bearer_token(self.access)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        return self.access.server.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")


def named(name: str, labels: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """An object with that name; ``more`` are its other fields."""
    return {"metadata": {"name": name, "labels": {"test": "one", **(labels or {})}}, **more}


def pod(name: str, labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod that no scheduler takes: it stays as it is made, on both servers."""
    container = {"name": "spark-kubernetes-executor", "image": "example/image:1", "args": ["executor"]}
    fixed = {"schedulerName": "nobody", "restartPolicy": "Never", "containers": [container]}
    return named(name, labels, spec=fixed | spec)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace of one of the servers, for one test."""

    server: Server
    name: str

    def path(self, plural: str, name: str = "", group: str = "") -> str:
        """The address of a collection, or of an object in it."""
        root = f"/apis/{group}/v1" if group else "/api/v1"
        return f"{root}/namespaces/{self.name}/{plural}" + (f"/{name}" if name else "")

    def make(self, plural: str, body: Mapping[str, Any], group: str = "") -> dict[str, Any]:
        """Create an object that must be accepted."""
        answer = self.server("POST", self.path(plural, group=group), dict(body))
        assert answer.code == 201, answer.body
        made: dict[str, Any] = answer.body
        return made


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    while data := response.read1(65536):
        *complete, rest = (rest + data).split(b"\n")
        yield from filter(None, complete)
