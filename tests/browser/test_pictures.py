"""Pictures of the documentation, taken of a real session: ``make screenshots``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests.browser.cells import LOAD
from tests.browser.jupyter import Jupyter
from tests.browser.pages import CELL, LabPage
from tests.jupyter_server import ROOT

NOTEBOOK = "flights.ipynb"
LOADING, STARTING, WORKING = range(3)

WORK = """
import time
def delay(flight):
    time.sleep(0.06 if flight != 37 else 6)
    return flight % 16, flight
carriers = sc.parallelize(range(1000), 1000).map(delay).reduceByKey(max, 8)
carriers.count()
""".strip()

WINDOW = ViewportSize(width=1280, height=860)
TALL = ViewportSize(width=1280, height=1400)
"""All views are to be seen, and the whole of the panel's card."""

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

pytestmark = pytest.mark.skipif("SPARKK8S_PICTURES" not in os.environ, reason="make screenshots takes them")


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """JupyterLab with a session of three executors, and the panel open."""
    jupyter.write(NOTEBOOK, [LOAD, "%sparkk8s start -n 3 --cores 1 --memory 1g", WORK])
    lab = new_page(jupyter)
    lab.page.set_viewport_size(WINDOW)
    lab.open(NOTEBOOK, workspace="pictures")
    lab.open_panel()
    lab.cell(LOADING).run()
    lab.cell(STARTING).run()
    expect(lab.card.locator("tr[data-phase=running]")).to_have_count(3, timeout=CELL)
    return lab


def take(name: str, of: Locator | LabPage) -> None:
    """Keep a picture of a part of the page, or of all of it."""
    folder: Path = ROOT / os.environ["SPARKK8S_PICTURES"]
    folder.mkdir(parents=True, exist_ok=True)
    (of.page if isinstance(of, LabPage) else of).screenshot(path=folder / f"{name}.png")


def test_pictures_of_a_job_in_both_themes(lab: LabPage) -> None:
    """The whole window, the views under the cells, the panel."""
    cell = lab.cell(WORKING)
    cell.run(wait=False)
    some_are_done = re.compile(r"\b[1-9]\d\d/1008")
    expect(cell.view).to_contain_text(some_are_done, timeout=CELL)
    for name, theme in THEMES.items():
        lab.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        expect(lab.page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached()
        expect(lab.page.locator("#jupyterlab-splash")).to_have_count(0)
        expect(cell.view).to_contain_text("running")
        # What is drawn on canvases takes the theme's colours within a second.
        lab.page.wait_for_timeout(1500)
        take(f"lab-{name}", lab)
        # Whole, and without scrolling the window of the next picture.
        lab.page.set_viewport_size(TALL)
        take(f"fleet-{name}", lab.cell(STARTING).view)
        take(f"progress-{name}", cell.view)
        take(f"panel-{name}", lab.card)
        lab.page.set_viewport_size(WINDOW)
    cell.wait_done()
