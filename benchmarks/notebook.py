"""What users of a notebook wait for, keep and pay: a real JupyterLab in a real browser, real kernels, real Spark.

1. ``paint``: milliseconds from the moment at which a kernel says that it begins with a cell to the first frame
   that shows the cell's job under it. First that is HTML ("content"); "live" is the widget, which has a cancel button
   and counts. The cell has one job that takes seconds. The first cell of a page also loads what widgets need, and the
   first job of a session starts Python on its executors. ``start`` is the fleet under the cell that starts the session.
2. ``reload``: milliseconds until a page shows the running job again in the panel and under its cell, after a
   reload and in a second tab; from the navigation, and from the moment at which JupyterLab says that it is restored.
3. ``growth``: bytes that the saved notebook grows by for each job, beyond what the same cells cost without
   anything that watches: with as many cells of one job as there are jobs, and with one cell of all jobs.
4. ``beside``: what a page pays for one stage of very many tasks: CPU of its main thread, nodes, heap, messages.
   The heap is what is left of it after a forced collection, when nothing has come for five seconds.

Growth and beside are measured for ours, for sparkmonitor 3.3.0, and for neither ("alone"), each in a fresh JupyterLab,
on the same session of one executor: sparkmonitor as its users have it, its kernel extension, its listener and its front
end, live, with the display that it opens under the cell; halfway through the stage its timeline of tasks is opened too.
Its messages keep coming for long after a large stage: they are waited for ``--patience`` seconds after the cell's end.
Without ``--sparkmonitor`` it is left out.

    pip install --target DIR --no-deps sparkmonitor==3.3.0
    python benchmarks/notebook.py --sparkmonitor DIR [--questions paint reload growth beside]

Needs Chromium, the package playwright and the built front end (``make labextension``). Prints a table and a line of
JSON for each question.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from support.chromium import counters, cpu_seconds, heap
from support.lab import FIRST, KINDS, LOADING, STARTING, Desk, desk, marks

from tests.browser.cells import stage
from tests.browser.pages import SECONDS, LabPage

NOTEBOOK = "flights.ipynb"
PANEL = "#sparkk8s-nb-panel .jp-Spark-card"
SILENCE = 5.0
LOOK = 1.0

Facts = dict[str, Any]


def paint(desk: Desk, options: argparse.Namespace) -> Facts:
    """The first frame of a view, in one page and kernel again and again."""
    facts: Facts = {"rounds": options.rounds}
    with desk.lab("ours", NOTEBOOK, [stage(100, 0.05)], start=False) as lab:
        lab.cell(LOADING).run()
        facts |= {f"start_{name}_ms": took for name, took in painted(lab, STARTING, "executor").items()}
        rounds = [painted(lab, FIRST, "/100") for _ in range(options.rounds + 1)]
    for name, first in rounds[0].items():
        facts |= {f"{name}_first_ms": first} | spread(name, [one[name] for one in rounds[1:]])
    return facts


def painted(lab: LabPage, number: int, text: str) -> dict[str, float]:
    """Run a cell; milliseconds from its begin to the frames that first show a text in its HTML and in its widget."""
    lab.wait_ready()
    lab.page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    lab.cell(number).root.evaluate(
        """(cell, text) => {
          bench.marks = {};
          bench.watchBusy();
          for (const other of document.querySelectorAll("[data-bench-cell]")) delete other.dataset.benchCell;
          cell.dataset.benchCell = "watched";
          bench.watch("content", "[data-bench-cell] .jp-OutputArea-output", text);
          bench.watch("live", "[data-bench-cell] section.sk8s", text);
        }""",
        text,
    )
    lab.cell(number).run(wait=False)
    found = marks(lab.page, "busy", "content", "live")
    lab.cell(number).wait_done()
    return {name: found[name] - found["busy"] for name in ("content", "live")}


def reload(desk: Desk, options: argparse.Namespace) -> Facts:
    """A page that is reloaded again and again while one cell runs, and as many second tabs."""
    seen: dict[str, list[float]] = {}
    tasks = 4000
    with desk.lab("ours", NOTEBOOK, [stage(tasks, 0.25)]) as lab:
        watch = f"""
          bench.watchRestored();
          bench.watch("panel", {PANEL!r}, "/{tasks}");
          bench.watch("view", ".jp-Spark-restored", "/{tasks}");
        """
        lab.page.context.add_init_script(watch)
        lab.cell(FIRST).run(wait=False)
        lab.cell(FIRST).view.get_by_text(f"/{tasks}").first.wait_for()
        lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        for number in range(options.rounds + 1):
            lab.page.reload(wait_until="commit")
            note(seen, "reload", lab.page, number)
            other = lab.page.context.new_page()
            url = f"{lab.jupyter.url}lab/workspaces/other/tree/{NOTEBOOK}?reset&token={lab.jupyter.token}"
            other.goto(url, wait_until="commit")
            note(seen, "tab", other, number)
            other.close()
        lab.wait_shell()
        lab.press("interrupt")
        lab.wait_ready()
    facts: Facts = {"rounds": options.rounds}
    for name, times in seen.items():
        facts |= spread(name, times)
    return facts


def note(seen: dict[str, list[float]], what: str, page: Page, number: int) -> None:
    """Keep what a page came to; the first one only warms caches."""
    found = marks(page, "restored", "panel", "view")
    if not number:
        return
    times = {"restored": found["restored"], "panel": found["panel"], "view": found["view"]}
    times |= {f"{name}_after": max(0.0, found[name] - found["restored"]) for name in ("panel", "view")}
    for name, milliseconds in times.items():
        seen.setdefault(f"{what}_{name}", []).append(milliseconds)


def growth(desk: Desk, options: argparse.Namespace) -> Facts:
    """Bytes a job, in cells of their own and in one cell."""
    job = "print(sc.parallelize(range(8), 8).map(wait).count())"
    define = "import time\ndef wait(n):\n    time.sleep(0.3)\n    return n"
    facts: Facts = {"jobs": options.jobs}
    for shape, cells in {
        "cells": [job] * options.jobs,
        "one_cell": [f"for _ in range({options.jobs}):\n    {job}"],
    }.items():
        kinds = ("alone", *(kind for kind in options.kinds if kind != "alone"))
        sizes = {kind: grown(desk, kind, [define, *cells]) for kind in kinds}
        for kind in kinds[1:]:
            facts[f"{kind}_{shape}_bytes"] = (sizes[kind] - sizes["alone"]) / options.jobs
    return facts


def grown(desk: Desk, kind: str, cells: list[str]) -> int:
    """How many bytes larger the saved notebook is when these cells have run."""
    with desk.lab(kind, NOTEBOOK, cells) as lab:
        lab.cell(FIRST).run()
        before = saved(lab)
        for number in range(1, len(cells)):
            lab.cell(FIRST + number).run()
        lab.page.wait_for_timeout(2 * SECONDS)  # what comes after a cell's end
        return saved(lab) - before


def saved(lab: LabPage) -> int:
    """Save the notebook; its size."""
    lab.page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    return (lab.jupyter.notebooks / NOTEBOOK).stat().st_size


def beside(desk: Desk, options: argparse.Namespace) -> Facts:
    """One large stage under each watcher, each in a page of its own."""
    facts: Facts = {"tasks": options.tasks}
    many = f"print(sc._jsc.sc().range(0, {options.tasks}, 1, {options.tasks}).count())"
    for kind in options.kinds:
        with desk.lab(kind, NOTEBOOK, ["sc._jsc.sc().range(0, 200, 1, 200).count()", many]) as lab:
            lab.cell(FIRST).run()
            for name, value in watched(lab, kind, options).items():
                facts[f"{kind}_{name}"] = value
    return facts


def watched(lab: LabPage, kind: str, options: argparse.Namespace) -> dict[str, float]:
    """Run the stage and look at the page until it is silent."""
    page, cdp, cell = lab.page, counters(lab.page), lab.cell(FIRST + 1)
    nodes = before = int(page.evaluate("bench.nodes()"))
    heap_before = heap(cdp)
    page.evaluate("bench.messages = bench.bytes = bench.longest = 0")
    spent, began = cpu_seconds(cdp), time.monotonic()
    cell.run(wait=False)
    ended = last = 0.0
    opened = kind != "sparkmonitor"
    while not ended or (last < SILENCE and time.monotonic() - ended < options.patience):
        page.wait_for_timeout(LOOK * SECONDS)
        nodes = max(nodes, int(page.evaluate("bench.nodes()")))
        last = float(page.evaluate("(performance.now() - bench.last) / 1000"))
        if not ended and "*" not in cell.prompt.inner_text():
            ended = time.monotonic()
        if not opened and page.locator(".CellMonitor .timelinetabbuttonicon").count():
            opened = time.monotonic() - began > options.timeline
            if opened:
                page.locator(".CellMonitor .timelinetabbuttonicon").last.click()
    wall = time.monotonic() - began
    return {
        "cell_s": ended - began,
        "silent_after_s": max(0.0, wall - (ended - began) - last),
        "cpu_s": cpu_seconds(cdp) - spent,
        "longest_task_ms": float(page.evaluate("bench.longest")),
        "nodes": nodes - before,
        "heap_mib": (heap(cdp) - heap_before) / 2**20,
        "messages": float(page.evaluate("bench.messages")),
        "messages_a_second": page.evaluate("bench.messages") / (wall - last),
        "kb_a_second": page.evaluate("bench.bytes") / 1000 / (wall - last),
    }


def spread(name: str, times: list[float]) -> Facts:
    """Median and worst of some milliseconds."""
    return {f"{name}_median_ms": statistics.median(times), f"{name}_worst_ms": max(times)}


QUESTIONS: Mapping[str, Callable[[Desk, argparse.Namespace], Facts]] = {
    "paint": paint,
    "reload": reload,
    "growth": growth,
    "beside": beside,
}
AIMS = {
    "paint": "live_median_ms 300",
    "reload": "panel_after and view_after 2,000 ms",
    "growth": "ours 5,000 bytes",
    "beside": "ours: nodes 3,000, heap 60 MiB, longest task 50 ms, 4 messages a second",
}


def main() -> None:
    """Measure every question asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, help="of growth and beside (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="of paint and reload (default: 7)")
    parser.add_argument("--jobs", type=int, default=10, help="of growth (default: 10)")
    parser.add_argument("--tasks", type=int, default=100_000, help="of beside (default: 100,000)")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds (default: 120)")
    parser.add_argument(
        "--timeline", type=float, default=20.0, help="seconds until its timeline is opened (default: 20)"
    )
    parser.add_argument("--sparkmonitor", type=Path, help="where pip install --target has put it")
    options = parser.parse_args()
    options.kinds = options.kinds or (KINDS if options.sparkmonitor else KINDS[:2])
    with desk(options.sparkmonitor and options.sparkmonitor.resolve()) as place:
        print(f"machine: {os.cpu_count()} cores, {platform.platform()}, Chromium {place.browser.version}")
        for question in options.questions:
            report(question, QUESTIONS[question](place, options))


def report(question: str, facts: Facts) -> None:
    """One table and one line of JSON."""
    print(f"\n{question} (aim: {AIMS[question]})")
    for name, value in facts.items():
        print(f"  {name:<34}{value:>12,.1f}")
    rounded = {name: round(value, 2) for name, value in facts.items()}
    print(
        json.dumps({"benchmark": "notebook", "question": question, "load": os.getloadavg()[0], **rounded}),
        flush=True,
    )


if __name__ == "__main__":
    main()
