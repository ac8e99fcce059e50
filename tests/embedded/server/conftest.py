"""A real Jupyter server with our extension, as JupyterHub runs one: under a prefix, with a token."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

import sparkk8s_nb.server
from tests.embedded.answers import Answer
from tests.embedded.fake_spark_ui import spark_ui
from tests.embedded.kernels import Cells, eventually

__all__ = ["spark_ui"]

LONG = 60.0
BASE = "/user/ada%40example.org/"
TOKEN = "a-token-of-this-test"
OTHERS = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim")


class JupyterServer:
    """One server process.

    Parameters
    ----------
    directory : Path
        For its files; made anew.
    environment : Mapping of str to str
        On top of this process's own.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.runtime = directory / "jupyter-runtime"
        self.root = directory / "notebooks"
        for path in (self.runtime, self.root, directory / "config", directory / "tmp"):
            path.mkdir(parents=True)
        self.log = directory / "server.log"
        extensions = json.dumps(dict.fromkeys(OTHERS, False))
        (directory / "config" / "jupyter_server_config.json").write_text(
            f'{{"ServerApp": {{"jpserver_extensions": {extensions}}}}}'
        )
        own = Path(sparkk8s_nb.server.__file__).parent
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1",
                    "--ServerApp.port=0", f"--ServerApp.base_url={BASE}", f"--ServerApp.root_dir={self.root}",
                    "--ServerApp.allow_unauthenticated_access=False",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.root,
                env={
                    **os.environ,
                    "JUPYTER_CONFIG_DIR": str(directory / "config"),
                    # The file that the wheel ships turns the extension on.
                    "JUPYTER_CONFIG_PATH": str(own),
                    "JUPYTER_RUNTIME_DIR": str(self.runtime),
                    "JUPYTER_TOKEN": TOKEN,
                    "IPYTHONDIR": str(directory / "ipython"),
                    "TMPDIR": str(directory / "tmp"),
                    **(environment or {}),
                },
            )  # fmt: skip
        self._clients: list[BlockingKernelClient] = []
        assert eventually(self._is_up, LONG), self.said

    @property
    def _info(self) -> Path:
        return self.runtime / f"jpserver-{self.process.pid}.json"

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self.said
        if not self._info.exists() or "is running at" not in self.said:
            return False
        # The file is written just now, or before the server listens.
        with contextlib.suppress(ValueError, ConnectionError):
            self.port: int = json.loads(self._info.read_text())["port"]
            return self.ask("api/status").status == 200
        return False

    @property
    def said(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")

    def ask(
        self, path: str, *, method: str = "GET", body: object = None, token: bool = True, **headers: str
    ) -> Answer:
        """Ask for a path under the base URL."""
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            lines["Authorization"] = f"token {TOKEN}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        with contextlib.closing(connection):
            connection.request(method, BASE + path, body=data, headers={**lines, "Connection": "close"})
            with connection.getresponse() as response:
                return Answer(response.status, response.headers, response.read())

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
        client.start_channels()
        self._clients.append(client)
        client.wait_for_ready(timeout=LONG)
        return Cells(client)

    def act(self, kernel: str, action: Mapping[str, object], **options: Any) -> Answer:
        """Ask the server to have an action done."""
        return self.ask(f"sparkk8s/api/kernels/{kernel}/actions", method="POST", body=action, **options)

    def close(self) -> None:
        """End it as an administrator does; its kernels go with it."""
        for client in self._clients:
            client.stop_channels()
        self.process.terminate()
        try:
            self.process.wait(LONG)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., JupyterServer]]:
    """Starts servers; all are ended after the module."""
    with contextlib.ExitStack() as stack:

        def start(**environment: str) -> JupyterServer:
            server = JupyterServer(tmp_path_factory.mktemp("jupyter") / "server", environment)
            stack.callback(server.close)
            return server

        yield start
