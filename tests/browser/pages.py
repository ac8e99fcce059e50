"""JupyterLab as a user sees it: pages of a real browser, found by what is on them."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.jupyter import Jupyter

SECONDS = 1000.0
"""Playwright counts in milliseconds."""

CELL = 90 * SECONDS
"""How long any cell may take here: the machine may be slow."""


KERNEL_IS_IDLE = """() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle' && kernel.hasPendingInput === false;
}"""
"""A cell that is run before is dropped without a word."""


class Cell:
    """One cell of the notebook in front.

    Parameters
    ----------
    root : Locator
        The cell's node.
    """

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.prompt = root.locator(".jp-InputPrompt").first
        self.output = root.locator(".jp-OutputArea-output")
        self.view = root.locator("section.sk8s")
        self.restored = root.locator(".jp-Spark-restored")

    def run(self, *, wait: bool = True) -> None:
        """Run it, by the button of its notebook."""
        before = self.prompt.inner_text()
        self.prompt.click()
        panel = self.root.locator("xpath=ancestor::*[contains(concat(@class, ' '), 'jp-NotebookPanel ')]")
        panel.locator("[data-jp-item-name=run]").click()
        expect(self.prompt).not_to_have_text(before)
        if wait:
            self.wait_done()

    def wait_done(self) -> None:
        """Wait until it has ended."""
        expect(self.prompt).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=CELL)

    def text(self) -> str:
        """All that is under it."""
        return "\n".join(self.root.locator(".jp-Cell-outputWrapper").all_inner_texts())


class LabPage:
    """A page with JupyterLab (or Notebook 7).

    Parameters
    ----------
    page : Page
    jupyter : Jupyter
    """

    def __init__(self, page: Page, jupyter: Jupyter) -> None:
        self.page = page
        self.jupyter = jupyter

    @property
    def panel(self) -> Locator:
        """The side panel."""
        return self.page.locator("#sparkk8s-nb-panel")

    @property
    def card(self) -> Locator:
        """The one session in the side panel."""
        return self.panel.locator(".jp-Spark-card")

    @property
    def status(self) -> Locator:
        """The item in the status bar."""
        return self.page.locator(".jp-Spark-status")

    @property
    def spark_ui(self) -> FrameLocator:
        """What is in the Spark UI's tab."""
        return self.page.frame_locator(".jp-Spark-uiTab iframe")

    def open(self, notebook: str, *, workspace: str = "test") -> None:
        """Open a notebook in a workspace that has nothing else in it, and wait for its kernel."""
        url = f"{self.jupyter.url}lab/workspaces/{workspace}/tree/{notebook}?reset&token={self.jupyter.token}"
        self.page.goto(url)
        self.wait_ready()

    def reload(self) -> None:
        """Reload the page; it is ready when the notebook is there."""
        self.page.reload()
        self.wait_shell()

    def wait_shell(self) -> None:
        """Wait until the application has put itself together."""
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=60 * SECONDS)
        expect(self.page.locator(".jp-NotebookPanel:visible .jp-Cell").first).to_be_visible(
            timeout=60 * SECONDS
        )

    def wait_ready(self) -> None:
        """Wait until the kernel of the notebook in front waits for a cell."""
        self.wait_shell()
        self.page.wait_for_function(KERNEL_IS_IDLE, timeout=60 * SECONDS)

    def cell(self, number: int, *, notebook: int = 0) -> Cell:
        """A cell of a notebook that is seen, both counted from 0."""
        panel = self.page.locator(".jp-NotebookPanel:visible").nth(notebook)
        return Cell(panel.locator(".jp-Notebook .jp-CodeCell").nth(number))

    def beside(self, notebook: str) -> None:
        """Open another notebook beside the one in front."""
        self.page.evaluate(
            "path => window.jupyterapp.commands.execute('docmanager:open', {path, options: {mode: 'split-right'}})",
            notebook,
        )
        expect(self.page.locator(".jp-NotebookPanel:visible")).to_have_count(2, timeout=60 * SECONDS)
        self.wait_ready()

    def session(self, name: str) -> Locator:
        """A session in the side panel, by its notebook's name."""
        return self.panel.locator(".jp-Spark-card", has=self.page.locator(".jp-Spark-link", has_text=name))

    def open_panel(self) -> None:
        """Show the side panel."""
        if not self.panel.is_visible():
            self.page.locator(".jp-SideBar [data-id=sparkk8s-nb-panel]").click()
        expect(self.panel).to_be_visible()

    def press(self, item: str, *, notebook: int = 0) -> None:
        """Press a button of a notebook's toolbar: ``interrupt``, ``restart``."""
        panel = self.page.locator(".jp-NotebookPanel:visible").nth(notebook)
        panel.locator(f"[data-jp-item-name={item}]").click()

    def command(self, label: str) -> None:
        """Carry out a command of the palette."""
        self.page.keyboard.press("Control+Shift+C")
        search = self.page.locator(".lm-CommandPalette-input:visible")
        search.fill(label)
        self.page.locator(".lm-CommandPalette-item", has_text=label).first.click()

    def dialog(self, button: str) -> None:
        """Press a button of the dialog that is open."""
        self.page.locator(".jp-Dialog button", has_text=button).click()
