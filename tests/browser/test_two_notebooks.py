"""Two notebooks side by side, each with a session of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.cells import LOAD, SMALL_START, stage
from tests.browser.jupyter import Jupyter
from tests.browser.pages import CELL, SECONDS, LabPage

LEFT, RIGHT = "left.ipynb", "right.ipynb"
LOADING, STARTING, LONG = range(3)


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """JupyterLab with two notebooks whose sessions each run a job."""
    jupyter.write(LEFT, [LOAD, SMALL_START, stage(301, 0.2)])
    jupyter.write(RIGHT, [LOAD, SMALL_START, stage(207, 0.2)])
    lab = new_page(jupyter)
    lab.open(LEFT, workspace="two")
    lab.beside(RIGHT)
    lab.open_panel()
    for number in (LOADING, STARTING):
        cells = [lab.cell(number, notebook=notebook) for notebook in (0, 1)]
        for cell in cells:
            cell.run(wait=False)
        for cell in cells:
            cell.wait_done()
    for notebook in (0, 1):
        lab.cell(LONG, notebook=notebook).run(wait=False)
    return lab


def test_each_job_is_under_its_own_cell_and_in_its_own_session(lab: LabPage) -> None:
    """Nobody guesses: a job knows its cell."""
    for notebook, name, mine, others in ((0, LEFT, "/301", "/207"), (1, RIGHT, "/207", "/301")):
        view = lab.cell(LONG, notebook=notebook).view
        expect(view).to_contain_text(mine, timeout=60 * SECONDS)
        expect(view).not_to_contain_text(others)
        expect(lab.session(name)).to_contain_text(mine)
        expect(lab.session(name)).not_to_contain_text(others)


def test_a_kernel_that_restarts_takes_its_own_session_along_and_no_other(lab: LabPage) -> None:
    """The panel forgets the one; the other one's job goes on."""
    lab.cell(LONG, notebook=0).prompt.click()
    lab.press("restart")
    lab.dialog("Restart")
    expect(lab.session(LEFT)).to_have_count(0, timeout=CELL)
    expect(lab.session(RIGHT)).to_contain_text("/207")
    lab.press("interrupt", notebook=1)
    lab.cell(LONG, notebook=1).wait_done()
