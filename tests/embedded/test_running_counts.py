"""How many tasks run, and how busy an executor was, is never more than its cores can do: real Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.embedded.kernels import Kernel
from tests.eventually import eventually

TASKS = 300

HELP = """
import sparkk8s_nb, threading, time
def session():
    return sparkk8s_nb.current()
def nap(number):
    time.sleep(0.02)
    return number
told = []
def work():
    return sc.parallelize(range(300), 300).map(nap).count()
def running_while_it_works():
    job, seen = threading.Thread(target=work, daemon=True), []
    told.clear()
    job.start()
    while job.is_alive():
        seen.append([one.running for one in session().driver.executors()])
        told.append(session().progress.totals.running)
        time.sleep(0.02)
    return seen
def shares():
    line = session().progress.timeline
    return [[each.busy / line.width / line.slots[name] for each in bins] for name, bins in line.rows.items()]
def done():
    return sum(one.done for one in session().driver.executors())
"""


@pytest.fixture(scope="module")
def kernel(new_kernel: Callable[..., Kernel]) -> Iterator[Kernel]:
    """Two executors that can do one task at a time."""
    kernel = new_kernel("Counts.ipynb")
    kernel.run("%sparkk8s start -n 2 --cores 1 --memory 1g --wait all")
    kernel.facts()
    kernel.run(HELP)
    return kernel


def test_an_executor_of_one_core_runs_one_task(kernel: Kernel):
    """Spark tells the start of the next task before the end of the one whose slot it took."""
    before = kernel.value("done()")
    seen = kernel.value("running_while_it_works()")
    counts = [count for reading in seen for count in reading]
    assert max(counts) == 1, seen
    assert counts.count(1) > counts.count(0), seen
    assert 0 < kernel.value("max(told)") <= 2, "of a job no more than of its executors"
    assert eventually(lambda: kernel.value("done()") == before + TASKS, 20), kernel.value("done()")


def test_no_bar_of_the_timeline_is_higher_than_full(kernel: Kernel):
    """However the readings fall into its bins; and most of the time both were at work."""
    kernel.run("work()\nfound = shares()")
    bars = [share for row in kernel.value("found") for share in row]
    assert max(bars) <= 1.01, bars
    assert sum(bars) / len(bars) > 0.5, bars
