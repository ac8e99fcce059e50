"""A real browser on a real JupyterLab with real kernels, Spark and the embedded cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from tests.browser.chromium import CHROMIUM, FLAGS
from tests.browser.jupyter import Jupyter, running
from tests.browser.pages import SECONDS, LabPage
from tests.embedded.conftest import embedded_cluster, prepared_starts
from tests.jupyter_server import ROOT

__all__ = ["embedded_cluster", "prepared_starts"]

FAILURES = ROOT / "out" / "browser"
"""What the page looked like when a test failed, and what Jupyter's log said."""


_open: list[BrowserContext] = []
_servers: list[Jupyter] = []


@pytest.fixture(scope="session")
def jupyter(embedded_cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """One JupyterLab for the test session."""
    with running(tmp_path_factory.mktemp("jupyter") / "server") as server:
        _servers.append(server)
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the test session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a past."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(30 * SECONDS)
    _open.append(context)
    yield context
    _open.remove(context)
    context.close()


@pytest.fixture(scope="module")
def new_page(context: BrowserContext) -> Iterator[Callable[[Jupyter], LabPage]]:
    """Opens pages: ``new_page(jupyter)``; the kernels of their notebooks are ended after the module."""
    used: set[Jupyter] = set()

    def make(jupyter: Jupyter) -> LabPage:
        used.add(jupyter)
        page = context.new_page()
        # Leaving a page with unsaved output asks whether one means it.
        page.on("dialog", lambda dialog: dialog.accept())
        return LabPage(page, jupyter)

    yield make
    for jupyter in used:
        jupyter.shut_down_kernels()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep pictures of all pages of a test that failed, and Jupyter's log."""
    report = yield
    if report.failed:
        keep(item)
    return report


def keep(item: pytest.Item) -> None:
    """Write down what can be seen now."""
    FAILURES.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", item.name)
    for number, page in enumerate(page for context in _open for page in context.pages):
        page.screenshot(path=FAILURES / f"{name}-{number}.png")
    for server in _servers:
        (FAILURES / f"{name}.log").write_bytes(server.log.read_bytes())
