"""A query's job in a page: its statement, what its stages run, and the task that is slow while it runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.cells import LOAD, START
from tests.browser.jupyter import ROOT, Jupyter
from tests.browser.pages import CELL, LabPage

NOTEBOOK = "skew.ipynb"

SKEWED = """
import time
def wait(rows):
    for row in rows:
        time.sleep(600 if row.id == 37 else 0.05)
        yield (row.id % 4,)
numbers = spark.range(0, 60, 1, 60).rdd
spark.createDataFrame(numbers.mapPartitions(wait), "k long").createOrReplaceTempView("slow")
spark.sql("SELECT k, count(*) AS trips FROM slow WHERE k <> 9 GROUP BY k ORDER BY trips DESC").show()
""".strip()


def test_a_slow_task_is_named_and_marked_while_it_runs_below_its_statement(
    jupyter: Jupyter, new_page: Callable[[Jupyter], LabPage]
) -> None:
    """With its partition and executor; folded, one line says it. Cancelled, nothing of it is left."""
    jupyter.write(NOTEBOOK, [LOAD, START, SKEWED])
    lab = new_page(jupyter)
    lab.open(NOTEBOOK)
    lab.cell(0).run()
    lab.cell(1).run()
    cell = lab.cell(2)
    cell.run(wait=False)
    expect(cell.view).to_contain_text(
        re.compile(r"△ 1 of \d+ tasks has run for .*, \d+x the median: partition 37 on executor [12]"),
        timeout=CELL,
    )
    expect(cell.view).to_contain_text("SELECT k, count(*) AS trips FROM slow")
    expect(cell.view).to_contain_text("runs ")
    expect(cell.view).to_contain_text("△ runs a task far slower than the median")
    if folder := os.environ.get("SPARKK8S_PICTURES"):
        cell.view.screenshot(path=ROOT / folder / "slow-task.png")
    cell.view.get_by_label("Fold the jobs of this cell").click()
    expect(cell.view).to_contain_text(re.compile(r"△ stage \d+: 1 of \d+ tasks has run"))
    cell.view.get_by_label("Cancel the Spark jobs of this cell").click()
    cell.view.get_by_role("button", name="Cancel the jobs").click()
    cell.wait_done()
    expect(cell.root).not_to_contain_text("has run for")
