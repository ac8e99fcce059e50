"""A real Jupyter server with our extension, as JupyterHub runs one: under a prefix, with a token."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.embedded.answers import Answer
from tests.embedded.fake_spark_ui import spark_ui
from tests.embedded.kernels import Cells, attach
from tests.jupyter_server import JupyterServer

__all__ = ["spark_ui"]

LONG = 60.0
BASE = "/user/ada%40example.org/"
TOKEN = "a-token-of-this-test"
OTHERS = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim")
APP = ("jupyter_server", "--ServerApp.allow_unauthenticated_access=False")


class Server(JupyterServer):
    """A Jupyter server without a front end, under a hub's prefix.

    Parameters
    ----------
    directory : Path
        For its files; made anew.
    environment : Mapping of str to str
        On top of this process's own.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self._clients: list[BlockingKernelClient] = []
        super().__init__(directory, APP, token=TOKEN, base=BASE, environment=environment)

    def _places(self) -> dict[str, str]:
        """And a settings file that leaves other extensions out: this environment has them, a server needs none."""
        places = super()._places()
        settings = {"ServerApp": {"jpserver_extensions": dict.fromkeys(OTHERS, False)}}
        (self.directory / "config" / "jupyter_server_config.json").write_text(json.dumps(settings))
        return places

    def follow(self, path: str) -> Answer:
        """Ask for a path and go where it leads, as a browser does."""
        for _ in range(5):
            answer = self.ask(path)
            if answer.status not in (301, 302, 303):
                return answer
            path = answer.headers["Location"].removeprefix(BASE)
        raise AssertionError(f"{path} leads nowhere")

    def log_in(self) -> dict[str, str]:
        """The cookies of a browser that came with the token."""
        answer = self.ask(f"api/status?token={TOKEN}", token=False)
        assert answer.status == 200, answer.text
        page = self.ask("login", token=False)
        cookies = [*answer.headers.get_all("Set-Cookie", []), *page.headers.get_all("Set-Cookie", [])]
        return dict(cookie.partition(";")[0].split("=", 1) for cookie in cookies)

    def open_notebook(self, path: str = "Flights.ipynb") -> str:
        """Start a kernel for a notebook as a front end does; returns its id."""
        wanted = {"path": path, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
        answer = self.ask("api/sessions", method="POST", body=wanted)
        assert answer.status == 201, answer.text
        kernel: str = answer.json["kernel"]["id"]
        return kernel

    def connect(self, kernel: str) -> Cells:
        """Cells that run in a kernel of this server."""
        client = BlockingKernelClient(connection_file=str(self.runtime / f"kernel-{kernel}.json"))
        client.load_connection_file()
        attach(client, LONG)
        self._clients.append(client)
        return Cells(client)

    def act(self, kernel: str, action: Mapping[str, object], **options: Any) -> Answer:
        """Ask the server to have an action done."""
        return self.ask(f"sparkk8s/api/kernels/{kernel}/actions", method="POST", body=action, **options)

    def stop(self) -> None:
        """End it and its kernels."""
        for client in self._clients:
            client.stop_channels()
        super().stop()


BLOCKING = """
import pathlib, time
print("begun", flush=True)
until = time.monotonic() + 120
while time.monotonic() < until and not pathlib.Path({release!r}).exists():
    time.sleep(0.05)
"""


@contextlib.contextmanager
def blocking_cell(cells: Cells, directory: Path) -> Iterator[Callable[[], None]]:
    """A cell that blocks its kernel until what this gives is called, or the block is left; the cell ends well."""
    release = directory / "release"
    cell = cells.begin(BLOCKING.format(release=str(release)), says="begun\n")

    def let_end() -> None:
        release.touch()
        cells.end(cell)

    try:
        yield let_end
    finally:
        if not release.exists():
            let_end()


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers; all are ended after the module."""
    with contextlib.ExitStack() as stack:

        def start(**environment: str) -> Server:
            server = Server(tmp_path_factory.mktemp("jupyter") / "server", environment)
            stack.callback(server.stop)
            return server

        yield start
