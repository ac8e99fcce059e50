"""What the views cost a page: a thousand executors and a stage of 100,000 tasks, replayed into a real browser.

The messages are those that a kernel would send, a keyframe and then deltas four times a second (more often than
a kernel does: it has an allowance of bytes), read by both views of one page, the fleet's and the progress's. In
the first half of the time the fleet is a grid, in the second half rows. Asked of Chromium:

1. Main-thread time of an update: to read its JSON, apply it, draw both views and lay the page out; and the
   longest task of all.
2. Nodes of the page, with its texts.
3. Heap after a forced collection, above that of the page without views; and whether it grows.
4. Messages and bytes a second.

Run with ``python benchmarks/view.py`` on an otherwise idle machine; it needs Chromium and the package playwright.
Prints a table and a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route
from support.chromium import chromium, counters, cpu_seconds, heap

import sparkk8s_nb.views
from sparkk8s_nb.model.fleet import (
    ExecutorLoad,
    ExecutorsSeen,
    ExecutorStatus,
    Fleet,
    PodGone,
    PodSeen,
    PodView,
)
from sparkk8s_nb.model.progress import CellRef, JobProgress, JobState, Progress, StageProgress
from sparkk8s_nb.model.task_metrics import FailureCause, SlowTask, TaskMetrics
from sparkk8s_nb.model.timeline import ExecutorWork, Timeline
from sparkk8s_nb.model.wire import keyframe
from sparkk8s_nb.model.wire_delta import message

STATIC = Path(sparkk8s_nb.views.__file__).with_name("static")
PLACE = "http://views.localhost/"
PERIOD = 0.25
LOOKS = 10
"""So often the heap is looked at."""

CELL = CellRef(tag="session-cell-1", count=1, cell_id="0f5d9a52-7a0f-4a65-9a55-000000000000")

HTML = """<!doctype html><html><head><meta charset="utf-8"><title>views</title>
<link rel="stylesheet" href="style.css"></head><body><div id="fleet"></div><div id="progress"></div>
<script type="module" src="run.js"></script></body></html>"""

SCRIPT = """
import { FleetView } from "./fleet.js";
import { ProgressView } from "./progress.js";
import { actionsOver } from "./actions.js";
import { follow } from "./shared.js";

const heard = new Set();
const model = { send: () => {}, on: (_, f) => heard.add(f), off: (_, f) => heard.delete(f) };
const bench = { updates: [], longest: 0, problems: [], first: 0, ready: true };
window.bench = bench;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) bench.longest = Math.max(bench.longest, entry.duration);
}).observe({ type: "longtask" });

bench.begin = () => {
  const actions = actionsOver(model);
  for (const [View, id] of [[FleetView, "fleet"], [ProgressView, "progress"]]) {
    const view = new View(document.getElementById(id), actions);
    follow(model, (text) => text && bench.problems.push(text), (frame) => view.show(frame), () => view.tick());
  }
};

async function update() {
  const text = await (await fetch("next")).text();
  const begun = performance.now();
  const message = JSON.parse(text);
  for (const f of heard) f(message);
  document.body.getBoundingClientRect();
  const took = performance.now() - begun;
  if (bench.first === 0) bench.first = took;
  else bench.updates.push(took);
}

bench.play = async (count, period) => {
  bench.longest = 0;
  for (let number = 0; number < count; number += 1) {
    const due = performance.now() + period;
    await update();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
};

bench.nodes = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ALL);
  let count = 1;
  while (walker.nextNode()) count += 1;
  return count;
};
"""


class Story:
    """What a kernel would say: the fleet works, one executor in a while dies, the stage goes on to its end.

    Parameters
    ----------
    executors, tasks, steps : int
    """

    def __init__(self, executors: int, tasks: int, steps: int) -> None:
        self.tasks = tasks
        self.steps = steps
        self.random = random.Random(7)
        self.fleet = Fleet(wanted=executors)
        self.alive = list(range(1, executors + 1))
        self.finished = dict.fromkeys(self.alive, 0)
        for number in self.alive:
            self.born(number, 1000.0)
        self.timeline = Timeline()
        self.progress = Progress(cell=CELL)

    def born(self, number: int, at: float) -> None:
        pod = PodView(
            name=f"sk-benchmark-1a2b3c4d-exec-{number}", uid=str(number), executor=str(number), phase="Running",
            node=f"node-{number % 50}", cpu_millis=2000, memory=8 * 2**30, created=at,
        )  # fmt: skip
        self.fleet = self.fleet.apply(PodSeen(pod=pod, at=at))

    def messages(self) -> Iterator[dict[str, Any]]:
        """One for each step, as a view gets it."""
        sent: dict[str, Any] | None = None
        for step in range(self.steps):
            at = 1000.0 + step * PERIOD
            self.work(step, at)
            seq = sent["seq"] + 1 if sent is not None else 1
            frame = keyframe({"name": "bench"}, self.fleet, self.progress, seq, at=at, before=sent)
            said = message(sent, frame)
            if said is not None:
                sent = frame
                yield said

    def work(self, step: int, at: float) -> None:
        busy = {number: self.random.choice((2, 2, 2, 1, 0)) for number in self.alive}
        for number, running in busy.items():
            self.finished[number] += running
        if step % 4 == 0:
            self.fleet = self.fleet.apply(
                ExecutorsSeen(executors=tuple(map(self.status, busy.items())), at=at)
            )
        if step % 80 == 79:
            self.replace_one(at)
        work = [
            ExecutorWork(
                id=str(number), running=running, busy=running * PERIOD, done=running, failed=number % 97 == step,
                slots=2,
            )
            for number, running in busy.items()
        ]  # fmt: skip
        self.timeline = self.timeline.add(at, PERIOD, work)
        made = Progress.of(CELL, [self.job(step)], at, before=self.progress)
        self.progress = replace(made, timeline=self.timeline)

    def status(self, item: tuple[int, int]) -> ExecutorStatus:
        number, running = item
        done = self.finished[number]
        load = ExecutorLoad(
            peak_memory=3 * 2**30 + done * 100_003, gc_ms=done * 40, task_ms=done * 1000, spilled=done << 16
        )
        return ExecutorStatus(id=str(number), cores=2, running=running, done=done, load=load)

    def replace_one(self, at: float) -> None:
        dead, new = self.alive.pop(0), self.alive[-1] + 1
        pod = PodView(
            name=f"sk-benchmark-1a2b3c4d-exec-{dead}", uid=str(dead), executor=str(dead), phase="Failed",
            reason="OOMKilled", exit_code=137, memory=8 * 2**30,
        )  # fmt: skip
        for event in (PodSeen(pod=pod, at=at), PodGone(pod=pod, at=at)):
            self.fleet = self.fleet.apply(event)
        self.alive.append(new)
        self.finished[new] = 0
        self.born(new, at)

    def job(self, step: int) -> JobProgress:
        done = self.tasks * step // self.steps
        stage = StageProgress(
            id=0, attempt=0, name="count at /tmp/ipykernel_1234/1.py:1", state="ACTIVE", tasks=self.tasks,
            running=1500, done=done, failed=step // 9, submitted=1000.0,
            metrics=TaskMetrics(run_ms=900 * done, gc_ms=30 * done, bytes_read=10**6 * done, disk_spilled=done << 12),
            median=1.2, longest=17.0,
            slowest=tuple(SlowTask(partition=37 + n, seconds=17.0 - n, executor=str(n)) for n in range(5)),
            causes=(FailureCause(reason="java.io.IOException: connection reset", count=1 + step // 9),),
        )  # fmt: skip
        return JobProgress(
            id=0, description="count", state=JobState.RUNNING, tags=(CELL.tag,), stages=(stage,),
            tasks=self.tasks, running=1500, done=done, failed=stage.failed, submitted=1000.0,
        )  # fmt: skip


class Server:
    """Answers the page's requests: its files, and the next message."""

    def __init__(self, story: Story) -> None:
        self.messages = story.messages()
        self.bytes = 0
        self.sent = 0

    def answer(self, route: Route) -> None:
        name = route.request.url.removeprefix(PLACE)
        if name == "next":
            said = json.dumps(next(self.messages), ensure_ascii=False)
            self.bytes += len(said)
            self.sent += 1
            route.fulfill(body=said, content_type="application/json")
        elif name == "":
            route.fulfill(body=HTML, content_type="text/html")
        elif name == "run.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif (STATIC / name).is_file():
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            route.fulfill(body=(STATIC / name).read_text(encoding="utf-8"), content_type=kind)
        else:
            route.fulfill(status=404, body="")


def measure(page: Page, server: Server, steps: int) -> dict[str, Any]:
    """Play all messages and look at the page on the way."""
    cdp = counters(page)
    page.wait_for_function("window.bench && window.bench.ready")
    empty = heap(cdp)
    page.evaluate("bench.begin()")
    page.evaluate(f"bench.play(1, {PERIOD * 1000})")
    nodes, heaps, longest, spent = 0, [], 0.0, 0.0
    for look in range(LOOKS):
        if look == LOOKS // 2:
            page.get_by_role("button", name="Executors as rows").click()
        before = cpu_seconds(cdp)
        page.evaluate(f"bench.play({(steps - 1) // LOOKS}, {PERIOD * 1000})")
        spent += cpu_seconds(cdp) - before
        longest = max(longest, float(page.evaluate("bench.longest")))
        nodes = max(nodes, int(page.evaluate("bench.nodes()")))
        heaps.append((heap(cdp) - empty) / 2**20)
    problems = page.evaluate("bench.problems")
    assert not problems, problems
    updates = sorted(page.evaluate("bench.updates"))
    played = len(updates) * PERIOD
    half = len(heaps) // 2
    return {
        "first_ms": float(page.evaluate("bench.first")),
        "update_median_ms": statistics.median(updates),
        "update_p95_ms": updates[int(0.95 * (len(updates) - 1))],
        "update_most_ms": updates[-1],
        "longest_task_ms": max(longest, updates[-1]),
        "task_ms_an_update": spent * 1000 / len(updates),
        "nodes": nodes,
        "heap_mib": heaps[-1],
        "heap_most_mib": max(heaps),
        "heap_growth_mib": statistics.mean(heaps[-2:]) - statistics.mean(heaps[half : half + 2]),
        "messages_a_second": (server.sent - 1) / played,
        "kb_a_second": server.bytes / 1000 / played,
    }


WORDS = {
    "first_ms": "ms to draw the first keyframe",
    "update_median_ms": "ms of the main thread an update, median",
    "update_p95_ms": "ms of the main thread an update, p95 (aim 8)",
    "update_most_ms": "ms of the main thread an update, most",
    "longest_task_ms": "ms of the longest task (aim 50)",
    "task_ms_an_update": "ms of CPU of all tasks an update, painting and fetching included, mean",
    "nodes": "nodes of the page (aim 3,000)",
    "heap_mib": "MiB of heap above the empty page at the end (aim 60)",
    "heap_most_mib": "MiB of heap above the empty page, most",
    "heap_growth_mib": "MiB that the heap grew in the second half",
    "messages_a_second": "messages a second (aim 4)",
    "kb_a_second": "KB a second",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long it is played (default: 600)")
    parser.add_argument("--executors", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=100_000)
    options = parser.parse_args()
    steps = LOOKS * max(1, round(options.seconds / PERIOD / LOOKS)) + 1
    server = Server(Story(options.executors, options.tasks, steps))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.route("**/*", server.answer)
        page.goto(PLACE)
        result = measure(page, server, steps)
        version = browser.version
    print(f"machine: {os.cpu_count()} cores, {platform.platform()}, Python {sys.version.split()[0]}")
    print(
        f"Chromium {version}; {options.executors} executors, {options.tasks} tasks, {(steps - 1) * PERIOD:.0f} s"
    )
    print(f"\n{'question':<68}{'measured':>10}")
    for key, label in WORDS.items():
        print(f"{label:<68}{result[key]:>10.2f}")
    rounded = {key: round(value, 3) for key, value in result.items()}
    print(
        json.dumps({"benchmark": "view", "executors": options.executors, "tasks": options.tasks, **rounded})
    )


if __name__ == "__main__":
    main()
