"""A real Jupyter server for tests: JupyterLab or Notebook 7, with nothing of this machine's own settings."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil

ROOT = Path(__file__).parents[2]
PANEL = ROOT / "sparkk8s_nb" / "labextension"
SERVER_CONFIG = ROOT / "sparkk8s_nb" / "server" / "jupyter_server_config.d" / "sparkk8s_nb.json"

NO_UPDATES = "jupyterlab.handlers.announcements.NeverCheckForUpdate"

UP_SECONDS = 90.0
DOWN_SECONDS = 30.0


class Jupyter:
    """A running Jupyter server and its directory of notebooks.

    Parameters
    ----------
    directory : Path
        Everything of it is below: settings, runtime files, notebooks.
    environment : mapping of str to str
        On top of this process's own.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.notebooks = directory / "notebooks"
        self.notebooks.mkdir(parents=True)
        self.token = secrets.token_hex(16)
        self.log = directory / "jupyter.log"
        self._environment = {**os.environ, **_places(directory), **(environment or {})}
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it (again, at the same address) and wait until it answers."""
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}"),
            *(
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={self.token}",
            ),
            *(f"--ServerApp.root_dir={self.notebooks}", "--LabApp.expose_app_in_browser=True"),
            "--JupyterNotebookApp.expose_app_in_browser=True",
            *("--LabApp.news_url=None", f"--LabApp.check_for_updates_class={NO_UPDATES}"),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.notebooks,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + UP_SECONDS
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"no answer from Jupyter: {self.log.read_text()}"
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop it with its kernels."""
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

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """Write a notebook of code cells; their ids are ``cell-0``, ``cell-1`` and so on."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        path = self.notebooks / name
        nbformat.write(notebook, path)
        return path

    def get(self, path: str) -> Any:
        """What the server's REST gives for a path."""
        with self._request("GET", path) as response:
            return json.load(response)

    def shut_down_kernels(self) -> None:
        """End all kernels, as closing all notebooks for good does."""
        for session in self.get("api/sessions"):
            self._request("DELETE", f"api/sessions/{session['id']}").close()

    def _request(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)
        return urllib.request.urlopen(request, timeout=30)

    def _answers(self) -> bool:
        try:
            self.get("api/status")
        except OSError:
            return False
        return True


@contextlib.contextmanager
def running(directory: Path, environment: Mapping[str, str] | None = None) -> Iterator[Jupyter]:
    """A server for as long as the block lasts."""
    jupyter = Jupyter(directory, environment)
    try:
        yield jupyter
    finally:
        jupyter.stop()


def _places(directory: Path) -> dict[str, str]:
    """Settings of its own, and this tree's two extensions, as an installed wheel would have them."""
    config, data = directory / "etc", directory / "share"
    enabled = config / "jupyter_server_config.d" / "sparkk8s_nb.json"
    enabled.parent.mkdir(parents=True)
    enabled.write_bytes(SERVER_CONFIG.read_bytes())
    labextensions = data / "labextensions"
    labextensions.mkdir(parents=True)
    (labextensions / "sparkk8s-nb").symlink_to(PANEL)
    for name in ("user", "runtime", "ipython", "lab"):
        (directory / name).mkdir(mode=0o700)
    notifications = directory / "lab" / "settings" / "@jupyterlab" / "apputils-extension"
    notifications.mkdir(parents=True)
    (notifications / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    return {
        "JUPYTER_CONFIG_DIR": str(directory / "user"),
        "JUPYTER_CONFIG_PATH": str(config),
        "JUPYTER_DATA_DIR": str(directory / "user"),
        "JUPYTER_PATH": str(data),
        "JUPYTER_RUNTIME_DIR": str(directory / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(directory / "lab" / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(directory / "lab" / "workspaces"),
        "IPYTHONDIR": str(directory / "ipython"),
        "PYTHONPATH": str(ROOT),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
