"""A panel whose server is gone, or does not know it any more, says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.jupyter import Jupyter, running
from tests.browser.pages import SECONDS, LabPage


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """A Jupyter server that a test may stop."""
    with running(tmp_path_factory.mktemp("trouble") / "server") as server:
        yield server


@pytest.fixture(scope="module")
def lab(server: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """JupyterLab with the panel open and no session."""
    server.write("empty.ipynb", [""])
    lab = new_page(server)
    lab.open("empty.ipynb", workspace="trouble")
    lab.open_panel()
    return lab


def look(lab: LabPage) -> None:
    """Look for sessions now, as the button does (JupyterLab's own dialogs may lie on it)."""
    lab.page.evaluate("window.jupyterapp.commands.execute('sparkk8s:refresh')")


def test_start_inserts_the_line_into_the_empty_cell(lab: LabPage) -> None:
    """It is not run: the user may want to say more."""
    expect(lab.panel).to_contain_text("No kernel of this server has a Spark session")
    lab.panel.get_by_role("button", name="Start").click()
    expect(lab.cell(0).root.locator(".cm-content")).to_have_text("%load_ext sparkk8s_nb%sparkk8s start")
    expect(lab.cell(0).prompt).to_have_text("[ ]:")


def test_a_server_that_is_gone_is_said_and_one_that_is_back_is_found(server: Jupyter, lab: LabPage) -> None:
    """The panel goes on by itself."""
    server.stop()
    look(lab)
    notice = lab.panel.get_by_role("alert")
    expect(notice).to_contain_text("does not answer")
    expect(notice).to_contain_text("start it again")
    server.start()
    look(lab)
    expect(notice).to_be_hidden(timeout=60 * SECONDS)


def test_a_login_that_has_expired_says_to_log_in_again(server: Jupyter, lab: LabPage) -> None:
    """No blank panel, no endless wait."""
    server.stop()
    server.token = "another-token-of-this-test"
    (_cookie_secret(server)).unlink()
    server.start()
    look(lab)
    notice = lab.panel.get_by_role("alert")
    expect(notice).to_contain_text("login")
    expect(notice).to_contain_text("log in again")


def _cookie_secret(server: Jupyter) -> Path:
    return server.directory / "runtime" / "jupyter_cookie_secret"
