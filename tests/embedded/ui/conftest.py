"""A browser, and a session's directory."""

from __future__ import annotations

import base64
import http.client
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sparkk8s_nb.localfiles import private_dir, write_private
from sparkk8s_nb.model.record import Holder, SessionRecord
from sparkk8s_nb.processes import ProcessId, identify, is_alive
from sparkk8s_nb.server.local_ui import open_ui, stop_ui
from sparkk8s_nb.server.ui_address import read_address
from tests.embedded.answers import Answer
from tests.embedded.fake_spark_ui import spark_ui
from tests.eventually import until

__all__ = ["spark_ui"]

LONG = 60.0


@dataclass
class Browser:
    """Keeps cookies like a browser does: by path, and HttpOnly or not is no matter."""

    port: int
    cookie: str = ""
    base: str = ""
    host: str = ""

    def open(
        self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send a request; the answer is read by the caller."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie and path.startswith(self.base):
            lines["Cookie"] = f"other=server; {self.cookie}"
        lines.setdefault("Host", f"127.0.0.1:{self.port}")
        lines["Connection"] = "close"
        connection.request(method, path, body=body, headers=lines)
        return connection.getresponse()

    def get(self, path: str, **options: str) -> Answer:
        """Send a request and read the whole answer."""
        with self.open(path, **options) as response:
            return Answer(response.status, response.headers, response.read())

    def page(self, path: str, **options: str) -> Answer:
        """A page of the UI, by its path there."""
        return self.get(self.base + path, **options)

    def enter(self, url: str) -> Answer:
        """Click a link: keep the cookie, learn where the page goes on to."""
        parts = urlsplit(url)
        answer = self.get(f"{parts.path}?{parts.query}")
        if answer.status == 200:
            self.cookie, *rest = answer.headers["Set-Cookie"].split("; ")
            self.base = next(part.removeprefix("Path=") for part in rest if part.startswith("Path="))
        return answer


@dataclass
class SessionPlace:
    """A session's directory, and the proxies that were started for it."""

    record: Path
    key: bytes
    seen: set[ProcessId] = field(default_factory=set)

    def write(self, ui_url: str, kernel: ProcessId | None = None) -> None:
        """Write the record as a session does."""
        kernel = kernel or identify()
        write_private(self.record.parent / "ui.key", base64.urlsafe_b64encode(self.key).decode())
        record = SessionRecord(
            name="s",
            owner="o",
            notebook="n",
            namespace="d",
            holder=Holder(boot="b", pid=kernel.pid, started=kernel.started),
            ui_url=ui_url,
            ui_key_file=str(self.record.parent / "ui.key"),
        )
        write_private(self.record, record.as_json())

    def link(self) -> str:
        """A fresh link."""
        url = open_ui(self.record).url
        self.seen.add(self.proxy)
        return url

    @property
    def proxy(self) -> ProcessId:
        """The proxy that runs now."""
        address = read_address(self.record.parent)
        assert address is not None
        return address.process

    def browser(self) -> Browser:
        """A browser that is in."""
        url = self.link()
        browser = Browser(urlsplit(url).port or 0)
        assert browser.enter(url).status == 200
        return browser


@pytest.fixture(scope="module")
def make_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], SessionPlace]]:
    """Makes session directories; all their proxies are gone afterwards."""
    places: list[SessionPlace] = []

    def make() -> SessionPlace:
        directory = private_dir(tmp_path_factory.mktemp("sessions") / "s")
        places.append(SessionPlace(record=directory / "record.json", key=os.urandom(32)))
        return places[-1]

    try:
        yield make
    finally:
        for place in places:
            stop_ui(place.record)
            place.record.unlink(missing_ok=True)
        for process in set().union(*(place.seen for place in places)):
            until(lambda process=process: not is_alive(process), "a proxy ends")
