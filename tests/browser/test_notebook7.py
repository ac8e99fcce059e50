"""Notebook 7: the same widgets under the cells."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.cells import ANSWER, ANSWERED, LOAD, SMALL_START, stage
from tests.browser.jupyter import Jupyter
from tests.browser.pages import CELL, SECONDS, LabPage
from tests.eventually import until

NOTEBOOK = "classic.ipynb"
LOADING, STARTING, LONG, SHORT, STOPPING = range(5)


@pytest.fixture(scope="module")
def notebook(jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """Notebook 7 with a notebook whose kernel is ready."""
    jupyter.write(NOTEBOOK, [LOAD, SMALL_START, stage(900, 0.05), ANSWER, "%sparkk8s stop"])
    notebook = new_page(jupyter)
    notebook.page.goto(f"{jupyter.url}notebooks/{NOTEBOOK}?token={jupyter.token}")
    notebook.wait_ready()
    return notebook


def test_the_widgets_show_a_session_and_its_job_and_cancel_it(notebook: LabPage) -> None:
    """Start, watch, cancel, compute, stop."""
    notebook.cell(LOADING).run()
    notebook.cell(STARTING).run()
    running = notebook.cell(STARTING).view.locator("tr[data-phase=running]")
    expect(running).to_have_count(1, timeout=CELL)
    cell = notebook.cell(LONG)
    cell.run(wait=False)
    expect(cell.view).to_contain_text("/900", timeout=60 * SECONDS)
    shown = cell.view.inner_text()
    until(lambda: cell.view.inner_text() != shown, "the counts move on")
    cell.view.get_by_label("Cancel the Spark jobs of this cell").click()
    cell.view.get_by_role("button", name="Cancel the jobs").click()
    cell.wait_done()
    notebook.cell(SHORT).run()
    assert ANSWERED in notebook.cell(SHORT).text()


def test_the_spark_ui_opens_in_a_tab_of_the_browser(notebook: LabPage) -> None:
    """There is room for one document in Notebook 7."""
    page = notebook.page
    with page.expect_popup() as popup:
        page.evaluate("window.jupyterapp.commands.execute('sparkk8s:open-ui')")
    expect(popup.value.locator("body")).to_contain_text("Completed Jobs", timeout=CELL)
    popup.value.close()


def test_a_stop_ends_it_there(notebook: LabPage) -> None:
    """And says so under the cell that started it."""
    notebook.cell(STOPPING).run()
    expect(notebook.cell(STARTING).output.first).to_contain_text("Stopped after")
