"""A real JupyterLab in a real browser, with a kernel and Spark on the embedded cluster, for a benchmark."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from sparkk8s_nb.embedded import lifecycle
from sparkk8s_nb.embedded.lifecycle import NodeSettings
from sparkk8s_nb.session.preparing import prepare
from support import ROOT
from support.chromium import chromium
from tests.browser.jupyter import OURS, Jupyter
from tests.browser.pages import SECONDS, LabPage

PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
KINDS = ("alone", "ours", "sparkmonitor")
LISTENER = "sparkmonitor.listener.JupyterSparkMonitorListener"
START = "%sparkk8s start -n 1 --cores 2 --memory 2g"
LOADING, STARTING, FIRST = range(3)
"""Cells of every notebook: the last is the first of the benchmark's own."""

NOTHING_OF_OURS: dict[str, str] = {"SPARKK8S_VIEWS": "none"}

PATIENCE = 120 * SECONDS


@dataclass(frozen=True)
class Desk:
    """Where a benchmark works.

    Parameters
    ----------
    browser : Browser
    sparkmonitor : Path or None
        Where ``pip install --target`` has put it.
    directory : Path
        For the files of all servers.
    """

    browser: Browser
    sparkmonitor: Path | None
    directory: Path

    @contextmanager
    def lab(self, kind: str, notebook: str, cells: Sequence[str], *, start: bool = True) -> Iterator[LabPage]:
        """JupyterLab with a notebook whose session runs, and with nothing else that watches it.

        Parameters
        ----------
        kind : str
            ``ours``: our panel and our views. ``alone``: neither, nothing of ours is shown. ``sparkmonitor``: its
            extensions instead of ours. The session is the same, on the embedded cluster, in all three.
        notebook : str
        cells : sequence of str
            Behind the two that load and start.
        start : bool
            Whether those two have run.
        """
        environment, extensions, start_line = NOTHING_OF_OURS, {}, START
        if kind == "ours":
            environment, extensions = {}, dict(OURS)
        if kind == "sparkmonitor":
            more, extensions, conf = self._sparkmonitor()
            environment, start_line = {**environment, **more}, f"{START} {conf}"
        place = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=self.directory))
        jupyter = Jupyter(place / "server", environment, labextensions=extensions)
        jupyter.settings("@jupyterlab/notebook-extension:tracker", windowingMode="none")
        jupyter.write(notebook, ["%load_ext sparkk8s_nb", start_line, *cells])
        context = self.browser.new_context(viewport={"width": 1400, "height": 900})
        context.set_default_timeout(PATIENCE)
        try:
            context.add_init_script(PROBE)
            page = context.new_page()
            page.on("dialog", lambda dialog: dialog.accept())
            lab = LabPage(page, jupyter)
            lab.open(notebook, workspace="benchmark")
            for number in (LOADING, STARTING) if start else ():
                lab.cell(number).run()
            lab.wait_ready()
            yield lab
        finally:
            context.close()
            jupyter.stop()

    def _sparkmonitor(self) -> tuple[dict[str, str], dict[str, Path], str]:
        """Variables, extensions of the front end and confs that it takes."""
        assert self.sparkmonitor is not None
        profile = self.directory / "sparkmonitor-ipython" / "profile_default"
        profile.mkdir(parents=True, exist_ok=True)
        (profile / "ipython_kernel_config.py").write_text(
            "c.InteractiveShellApp.extensions = ['sparkmonitor.kernelextension']\n"
        )
        environment = {
            "IPYTHONDIR": str(profile.parent),
            "PYTHONPATH": f"{self.sparkmonitor}{os.pathsep}{ROOT}",
        }
        extension = self.sparkmonitor / "share" / "jupyter" / "labextensions" / "sparkmonitor"
        jar = self.sparkmonitor / "sparkmonitor" / "listener_spark4_2.13.jar"
        conf = f"--conf spark.extraListeners={LISTENER} --conf spark.driver.extraClassPath={jar}"
        return environment, {"sparkmonitor": extension}, conf


@contextmanager
def desk(sparkmonitor: Path | None) -> Iterator[Desk]:
    """A browser and an embedded cluster of a benchmark's own, for as long as the block lasts."""
    with ExitStack() as stack:
        directory = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True))
        )
        os.environ |= {
            "SPARKK8S_RUNTIME_DIR": str(directory / "run"),
            "SPARKK8S_STATE_DIR": str(directory / "state"),
        }
        prepare(lambda _: None)  # else the first session would, in the background
        lifecycle.up(settings=NodeSettings(cpus=4, overcommit=True, idle_seconds=600), timeout=60)
        stack.callback(lifecycle.down, timeout=30)
        yield Desk(stack.enter_context(chromium()), sparkmonitor, directory)


def marks(page: Page, *names: str) -> dict[str, float]:
    """Milliseconds since the page's navigation at which each of these was seen, once all were."""
    page.wait_for_function("names => names.every(name => name in bench.marks)", arg=list(names))
    found: dict[str, Any] = page.evaluate("bench.marks")
    return {name: float(found[name]) for name in names}
