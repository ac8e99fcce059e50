"""A session is in the panel from the beginning of its start, with what the start does, and goes with it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import LOAD, SMALL_START
from tests.browser.jupyter import Jupyter
from tests.browser.pages import CELL, LabPage

NOTEBOOK = "starting.ipynb"
LOADING, HOLDING, STARTING, LOOKING, CLEARING = range(5)

HOLD = """
import pathlib, time
from sparkk8s_nb.session.opening import Opening
checked = Opening.checked
def held(opening):
    found = checked(opening)
    while not pathlib.Path("start-on").exists():
        time.sleep(0.05)
    return found
Opening.checked = held
""".strip()
"""Holds starts up where the cluster has been looked at, until there is a file ``start-on``."""

CHECKING = re.compile(r"Checking the cluster, \d+ s")

LOOK_TWICE = "%sparkk8s status\n%sparkk8s status"
LOOK_AGAIN_AND_AGAIN = """
from IPython.display import clear_output
for _ in range(3):
    clear_output(wait=True)
    %sparkk8s status
""".strip()


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """JupyterLab with the panel open and a notebook whose starts are held up."""
    jupyter.write(NOTEBOOK, [LOAD, HOLD, SMALL_START, LOOK_TWICE, LOOK_AGAIN_AND_AGAIN])
    lab = new_page(jupyter)
    lab.open(NOTEBOOK, workspace="starting")
    lab.open_panel()
    for number in (LOADING, HOLDING):
        lab.cell(number).run()
    return lab


@pytest.fixture
def ui_button(lab: LabPage) -> Locator:
    """What opens the Spark UI."""
    return lab.card.get_by_role("button", name="Spark UI", exact=True)


def test_a_start_is_in_the_panel_with_what_it_does(lab: LabPage, ui_button: Locator) -> None:
    """While its cell runs: there is no Spark yet, and no Spark UI."""
    lab.cell(STARTING).run(wait=False)
    expect(lab.card).to_contain_text(CHECKING, timeout=CELL)
    expect(lab.card.locator(".jp-Spark-link")).to_have_text(NOTEBOOK)
    expect(lab.status).to_have_text("Spark: starting", timeout=CELL)
    expect(ui_button).to_have_count(0)
    expect(lab.cell(STARTING).prompt).to_have_text("[*]:")


def test_a_second_tab_shows_it_too(lab: LabPage, new_page: Callable[[Jupyter], LabPage]) -> None:
    """It looks for sessions by itself."""
    other = new_page(lab.jupyter)
    other.page.goto(f"{lab.jupyter.url}lab/workspaces/starting-beside?reset&token={lab.jupyter.token}")
    expect(other.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=CELL)
    other.open_panel()
    expect(other.card).to_contain_text(CHECKING, timeout=CELL)
    other.page.close()


def test_an_interrupted_start_goes_from_the_panel(lab: LabPage) -> None:
    """Its cell says why."""
    lab.press("interrupt")
    lab.cell(STARTING).wait_done()
    expect(lab.card).to_have_count(0, timeout=CELL)
    expect(lab.panel).to_contain_text("No kernel of this server has a Spark session")


def test_a_start_that_goes_on_becomes_a_session_with_its_spark_ui(lab: LabPage, ui_button: Locator) -> None:
    """The same card, all the way."""
    lab.cell(STARTING).run(wait=False)
    expect(lab.card).to_contain_text(CHECKING, timeout=CELL)
    (lab.jupyter.notebooks / "start-on").touch()
    lab.cell(STARTING).wait_done()
    expect(lab.card.locator(".sk8s-table tbody tr[data-phase=running]")).to_have_count(1, timeout=CELL)
    expect(ui_button).to_be_visible(timeout=CELL)
    expect(lab.card).not_to_contain_text("Checking the cluster")


@pytest.mark.parametrize("number", [LOOKING, CLEARING])
def test_the_status_is_once_under_a_cell_that_asks_again(lab: LabPage, number: int) -> None:
    """Live, also where the cell clears what it has shown."""
    cell = lab.cell(number)
    cell.run()
    expect(cell.view).to_have_count(1, timeout=CELL)
    expect(cell.view).to_contain_text("1 executor running", timeout=CELL)
