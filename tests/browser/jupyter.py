"""A real JupyterLab (with Notebook 7) for tests, and its notebooks."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from tests.jupyter_server import ROOT, JupyterServer

PANEL = ROOT / "sparkk8s_nb" / "labextension"
OURS: Mapping[str, Path] = {"sparkk8s-nb": PANEL}

NO_UPDATES = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
OPTIONS = (
    "--LabApp.expose_app_in_browser=True",
    "--JupyterNotebookApp.expose_app_in_browser=True",
    "--LabApp.news_url=None",
    f"--LabApp.check_for_updates_class={NO_UPDATES}",
)


class Jupyter(JupyterServer):
    """A running JupyterLab.

    Parameters
    ----------
    directory : Path
        Everything of it is below: settings, runtime files, notebooks.
    environment : mapping of str to str
        On top of this process's own.
    labextensions : mapping of str to Path
        Extensions of the front end by name, each a built one; this tree's own if not given.
    """

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        *,
        labextensions: Mapping[str, Path] | None = None,
    ) -> None:
        places = _lab_places(directory, OURS if labextensions is None else labextensions)
        self.directory = directory
        self.settings("@jupyterlab/apputils-extension:notification", fetchNews="false")
        super().__init__(
            directory,
            ["jupyterlab", *OPTIONS],
            token=secrets.token_hex(16),
            environment={**places, **(environment or {})},
        )

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}{self.base}"

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """Write a notebook of code cells; their ids are ``cell-0``, ``cell-1`` and so on."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(cells)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        path = self.notebooks / name
        nbformat.write(notebook, path)
        return path

    def settings(self, plugin: str, **values: object) -> None:
        """Set a plugin's settings for pages that are opened from now on; those that are not named have defaults."""
        package, _, name = plugin.rpartition(":")
        file = self.directory / "lab" / "settings" / package / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def get(self, path: str) -> Any:
        """What the server's REST gives for a path."""
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        return answer.json

    def shut_down_kernels(self) -> None:
        """End all kernels, as closing all notebooks for good does."""
        for session in self.get("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", method="DELETE")


@contextlib.contextmanager
def running(directory: Path, environment: Mapping[str, str] | None = None) -> Iterator[Jupyter]:
    """A server for as long as the block lasts."""
    jupyter = Jupyter(directory, environment)
    try:
        yield jupyter
    finally:
        jupyter.stop()


def _lab_places(directory: Path, labextensions: Mapping[str, Path]) -> dict[str, str]:
    """The front end's settings of its own, and its extensions as an installed wheel would have them."""
    share, lab = directory / "share", directory / "lab"
    (share / "labextensions").mkdir(parents=True)
    for name, built in labextensions.items():
        (share / "labextensions" / name).symlink_to(built)
    return {
        "JUPYTER_PATH": str(share),
        "JUPYTERLAB_SETTINGS_DIR": str(lab / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(lab / "workspaces"),
    }
