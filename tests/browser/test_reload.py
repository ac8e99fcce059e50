"""A page that is reloaded while a cell runs, and a second tab, show the cell's jobs again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.cells import LOAD, SMALL_START, stage
from tests.browser.jupyter import Jupyter
from tests.browser.pages import SECONDS, LabPage
from tests.eventually import until

NOTEBOOK = "reload.ipynb"
LOADING, STARTING, LONG = range(3)

TASKS = "/900"
SELDOM = 300
"""Seconds between two looks for sessions: what a page shows here, it shows after its first one."""

SOON = 20 * SECONDS
"""The machine may be slow; the promise (2 s) is measured by ``benchmarks/notebook.py``."""


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> Iterator[LabPage]:
    """JupyterLab with a notebook whose session runs a long job, and the panel open."""
    jupyter.settings("sparkk8s-nb:plugin", refreshSeconds=SELDOM)
    jupyter.write(NOTEBOOK, [LOAD, SMALL_START, stage(900, 0.05)])
    lab = new_page(jupyter)
    lab.open(NOTEBOOK, workspace="reload")
    lab.open_panel()
    lab.cell(LOADING).run()
    lab.cell(STARTING).run()
    lab.cell(LONG).run(wait=False)
    expect(lab.card).to_contain_text(TASKS, timeout=60 * SECONDS)
    yield lab
    jupyter.settings("sparkk8s-nb:plugin")


def test_a_reloaded_page_shows_the_running_job_in_the_panel_and_under_its_cell(lab: LabPage) -> None:
    """The kernel still computes: it cannot answer the page as it is used to."""
    lab.reload()
    restored = lab.cell(LONG).restored
    expect(restored).to_contain_text(TASKS, timeout=SOON)
    lab.open_panel()
    expect(lab.card).to_contain_text(TASKS, timeout=SOON)
    expect(lab.cell(STARTING).restored).to_have_count(0)
    shown = restored.inner_text()
    until(lambda: restored.inner_text() != shown, "what was put back is live")


def test_a_second_tab_shows_it_too(lab: LabPage, new_page: Callable[[Jupyter], LabPage]) -> None:
    """Whoever looks, the kernel's state is one."""
    other = new_page(lab.jupyter)
    other.page.goto(f"{lab.jupyter.url}lab/workspaces/other/tree/{NOTEBOOK}?reset&token={lab.jupyter.token}")
    other.wait_shell()
    expect(other.cell(LONG).restored).to_contain_text(TASKS, timeout=SOON)
    other.page.close()


def test_the_restored_view_cancels_the_job_and_goes_when_the_cell_runs_anew(lab: LabPage) -> None:
    """It is as good as the view that the cell had."""
    cell = lab.cell(LONG)
    cell.restored.get_by_label("Cancel the Spark jobs of this cell").click()
    cell.restored.get_by_role("button", name="Cancel the jobs").click()
    expect(cell.restored.get_by_label("Cancel the Spark jobs of this cell")).to_be_hidden(
        timeout=60 * SECONDS
    )
    lab.wait_ready()
    cell.run(wait=False)
    expect(cell.output.locator("section.sk8s")).to_contain_text(TASKS, timeout=60 * SECONDS)
    expect(cell.restored).to_have_count(0)
    lab.press("interrupt")
    cell.wait_done()
