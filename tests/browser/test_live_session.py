"""One session, from its start to its stop, as a user sees it and with what a user does."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable

import psutil
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import ANSWER, ANSWERED, BLOCK, LOAD, START, stage
from tests.browser.jupyter import Jupyter
from tests.browser.pages import CELL, SECONDS, Cell, LabPage
from tests.embedded.kernels import processes_of
from tests.eventually import until

NOTEBOOK = "flights.ipynb"
LOADING, STARTING, LONG, SHORT, BLOCKING = range(5)

COUNTS = re.compile(r"(\d+)/2000")
CANCELLED = re.compile(r"[Cc]ancel")


@pytest.fixture(scope="module")
def lab(jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]) -> LabPage:
    """JupyterLab with a notebook whose session runs, and the panel open."""
    jupyter.write(NOTEBOOK, [LOAD, START, stage(2000, 0.02), ANSWER, BLOCK])
    lab = new_page(jupyter)
    lab.open(NOTEBOOK)
    lab.open_panel()
    lab.cell(LOADING).run()
    lab.cell(STARTING).run()
    return lab


def rows(view: Locator, phase: str) -> Locator:
    """Executors of a phase in a view's table."""
    return view.locator(f".sk8s-table tbody tr[data-phase={phase}]")


def done(view: Locator) -> int:
    """How many of the 2,000 tasks a view says are done."""
    found = COUNTS.search(view.locator(".sk8s-head").last.inner_text())
    return int(found[1]) if found else 0


def run_long(lab: LabPage) -> Cell:
    """Run the long cell until its view counts."""
    cell = lab.cell(LONG)
    cell.run(wait=False)
    until(lambda: cell.view.count() and done(cell.view) > 0, "tasks are counted", 90)
    return cell


def assert_works(lab: LabPage) -> None:
    """The session goes on: it computes."""
    lab.cell(SHORT).run()
    assert ANSWERED in lab.cell(SHORT).text()


def scale(view: Locator, executors: int) -> None:
    """Ask a view for so many executors."""
    view.get_by_label("Executors to ask for").fill(str(executors))
    view.get_by_label("Scale to that many executors").click()


def test_a_start_shows_its_executors_under_its_cell_in_the_panel_and_in_the_status_bar(lab: LabPage) -> None:
    """Three places, one rendering."""
    expect(rows(lab.cell(STARTING).view, "running")).to_have_count(2, timeout=CELL)
    expect(rows(lab.card, "running")).to_have_count(2)
    expect(lab.card.locator(".jp-Spark-link")).to_have_text(NOTEBOOK)
    expect(lab.status).to_contain_text("2 executors")


def test_a_job_counts_on_while_its_cell_blocks_and_is_cancelled_from_its_view(lab: LabPage) -> None:
    """The kernel computes, and all the same the view hears and is heard."""
    cell = run_long(lab)
    first = done(cell.view)
    until(lambda: done(cell.view) > first, "the counts move on")
    until(lambda: COUNTS.search(lab.card.inner_text()), "the panel counts as well")
    expect(lab.status).to_contain_text(re.compile(r"[1-9]\d* tasks?"))
    expect(cell.prompt).to_have_text("[*]:")
    cell.view.get_by_label("Cancel the Spark jobs of this cell").click()
    cell.view.get_by_role("button", name="Cancel the jobs").click()
    cell.wait_done()
    assert CANCELLED.search(cell.text()), cell.text()
    assert_works(lab)


def test_the_stop_button_of_the_notebook_cancels_the_jobs_of_its_cell(lab: LabPage) -> None:
    """JupyterLab's own interrupt."""
    cell = run_long(lab)
    lab.press("interrupt")
    cell.wait_done()
    assert_works(lab)


def test_the_panel_scales_up_and_down(lab: LabPage) -> None:
    """What is asked for comes, and goes again."""
    scale(lab.card, 3)
    expect(rows(lab.card, "running")).to_have_count(3, timeout=CELL)
    scale(lab.card, 2)
    expect(rows(lab.card, "running")).to_have_count(2, timeout=CELL)
    assert_works(lab)


def test_scaling_is_refused_with_the_words_of_the_magic(lab: LabPage) -> None:
    """A number that cannot be says why not."""
    scale(lab.card, 0)
    expect(lab.card.locator(".sk8s-outcome").first).to_contain_text("✕")
    expect(rows(lab.card, "running")).to_have_count(2)


def test_an_executor_that_is_killed_stays_in_sight_and_says_why(lab: LabPage) -> None:
    """Its row stays, with its reason."""
    before = rows(lab.card, "failed").count()
    [session] = lab.jupyter.get("sparkk8s/api/sessions")["sessions"]
    victim = until(lambda: _executor_jvm(session["app_id"]), "an executor has a JVM")
    victim.send_signal(signal.SIGKILL)
    expect(rows(lab.card, "failed")).to_have_count(before + 1, timeout=60 * SECONDS)
    expect(rows(lab.card, "failed").first.locator(".sk8s-why")).to_contain_text("killed by signal 9")


def test_an_action_is_done_while_a_widget_of_the_users_own_blocks_all_widgets(lab: LabPage) -> None:
    """The kernel does not hear the view then: the view asks the server."""
    lab.cell(BLOCKING).run()
    lab.cell(BLOCKING).root.get_by_role("button", name="Block").click()
    here = lab.jupyter.notebooks
    until((here / "blocking").exists, "the callback blocks")
    view = lab.cell(STARTING).view
    scale(view, 1)
    expect(view.locator(".sk8s-outcome")).to_contain_text(re.compile(r"\w+ \w+"), timeout=20 * SECONDS)
    expect(rows(lab.card, "running")).to_have_count(1, timeout=CELL)
    (here / "go").touch()
    assert_works(lab)


def test_the_spark_ui_is_a_tab_with_its_executors(lab: LabPage) -> None:
    """Through this server's own route, signed in as this page is."""
    lab.card.get_by_role("button", name="Spark UI").click()
    lab.spark_ui.get_by_role("link", name="Executors").click()
    table = lab.spark_ui.locator("#active-executors-table tbody tr")
    expect(table.first).to_be_visible(timeout=60 * SECONDS)
    expect(table.filter(has_text="driver")).to_have_count(1)
    expect(table.filter(has_text="Active")).to_have_count(2)
    lab.page.evaluate("window.jupyterapp.commands.execute('application:close')")


def test_stop_asks_first_and_then_leaves_nothing(lab: LabPage) -> None:
    """A no changes nothing; a yes ends the session, and the panel forgets it."""
    stop = lab.card.get_by_label("Stop the Spark session")
    stop.click()
    lab.card.get_by_role("button", name="Keep").click()
    assert_works(lab)
    stop.click()
    lab.card.locator(".sk8s-danger").first.click()
    expect(lab.panel.locator(".jp-Spark-card")).to_have_count(0, timeout=CELL)
    expect(lab.panel).to_contain_text("%sparkk8s start")
    expect(lab.status).to_be_hidden()


def _executor_jvm(app_id: str) -> psutil.Process | None:
    for one in processes_of(app_id):
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(one.pid)
            if any("ExecutorBackend" in part for part in process.cmdline()):
                return process
    return None
