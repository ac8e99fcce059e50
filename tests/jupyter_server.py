"""A real Jupyter server for tests, with nothing of this machine's own settings and with this tree's extension."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from sparkk8s_nb import server
from tests.embedded.answers import Answer
from tests.eventually import until

ROOT = Path(__file__).parents[1]
SERVER_SETTINGS = Path(server.__file__).parent
"""The file below it that the wheel ships turns the server extension on."""

UP_SECONDS = 90.0
DOWN_SECONDS = 30.0
ANSWER_SECONDS = 60.0


class JupyterServer:
    """One server process and its directory of notebooks.

    Parameters
    ----------
    directory : Path
        Everything of it is below: settings, runtime files, notebooks. Made anew.
    app : sequence of str
        The module that is run, and its options.
    token : str
    port : int
        Where it listens; 0 for a port of the server's choice.
    base : str
        What all its paths begin with.
    environment : mapping of str to str
        On top of this process's own.
    """

    def __init__(
        self,
        directory: Path,
        app: Sequence[str],
        *,
        token: str,
        port: int = 0,
        base: str = "/",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.notebooks = directory / "notebooks"
        self.runtime = directory / "runtime"
        self.log = directory / "jupyter.log"
        self.token = token
        self.port = port
        self.base = base
        self._app = app
        self._environment = {**os.environ, **self._places(), **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def _places(self) -> dict[str, str]:
        """Directories of its own for whatever a Jupyter server or a kernel of it keeps."""
        for name in ("notebooks", "runtime", "config", "data", "ipython", "tmp"):
            (self.directory / name).mkdir(mode=0o700, parents=True)
        return {
            "JUPYTER_CONFIG_DIR": str(self.directory / "config"),
            "JUPYTER_CONFIG_PATH": str(SERVER_SETTINGS),
            "JUPYTER_DATA_DIR": str(self.directory / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "IPYTHONDIR": str(self.directory / "ipython"),
            "TMPDIR": str(self.directory / "tmp"),
            "PYTHONPATH": str(ROOT),
        }

    def start(self) -> None:
        """Start it (again, at the same address) and wait until it answers."""
        module, *options = self._app
        command = [
            *(sys.executable, "-m", module, "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            *(f"--ServerApp.base_url={self.base}", f"--ServerApp.root_dir={self.notebooks}", *options),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.notebooks,
                env={**self._environment, "JUPYTER_TOKEN": self.token},
                start_new_session=True,
            )
        until(self._answers, "the Jupyter server answers", UP_SECONDS)

    def stop(self) -> None:
        """End it as an administrator does; its kernels go with it."""
        if self.process is None:
            return
        kernels = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(DOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(DOWN_SECONDS)
        self.process = None
        _gone, alive = psutil.wait_procs(kernels, DOWN_SECONDS)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

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
            lines["Authorization"] = f"token {self.token}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, self.base + path, body=data, headers={**lines, "Connection": "close"})
            with connection.getresponse() as response:
                return Answer(response.status, response.headers, response.read())

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said
        info = self.runtime / f"jpserver-{self.process.pid}.json"
        # The file is written just now, or before the server listens.
        with contextlib.suppress(OSError, ValueError):
            self.port = json.loads(info.read_text())["port"]
            return self.ask("api/status").status == 200
        return False
