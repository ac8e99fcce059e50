"""Every job belongs to the cell that asked for it, or to none: real kernels, real Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from tests.embedded.kernels import Cell, Kernel

SEEN = """
import time
def _jobs(since):
    store = sc._jsc.sc().statusStore()
    deadline = time.time() + 60
    while sc.statusTracker().getActiveJobsIds() and time.time() < deadline:
        time.sleep(0.02)
    found = store.jobsList(None)
    jobs = [found.apply(number) for number in range(found.length())]
    return sorted([job.jobId(), job.jobTags().mkString(",")] for job in jobs if job.jobId() > since)
def one_job():
    return sc.parallelize(range(4), 1).count()
"""


class Notebook:
    """A kernel with a session, whose cells have ids as JupyterLab's have.

    Parameters
    ----------
    kernel : Kernel
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.since = -1
        kernel.run("%sparkk8s start -n 1 --cores 2 --memory 1g")
        self.name = kernel.facts().name
        kernel.run(SEEN)

    def send(self, source: str, cell_id: str) -> str:
        """Ask the kernel to run a cell, as JupyterLab does."""
        client = self.kernel.client
        content = {"code": source, "silent": False, "store_history": True, "stop_on_error": True}
        message = client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def finish(self, execution: str) -> Cell:
        """Take a cell's outputs until it has ended."""
        cell = Cell(execution)
        while True:
            message = self.kernel.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != execution:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            cell.take(message)
        self.kernel.client.get_shell_msg(timeout=60)
        assert not cell.error, cell.said
        return cell

    def run(self, source: str, cell_id: str = "cell") -> Cell:
        """Run a cell to its end."""
        return self.finish(self.send(source, cell_id))

    def jobs(self) -> list[str]:
        """The tags of the jobs that were begun since the last look, without those that Spark adds itself."""
        found = self.kernel.value(f"_jobs({self.since})")
        self.since = max([self.since, *(number for number, _ in found)])
        mine = ("mine", f"{self.name}-cell-")
        return [" ".join(sorted(t for t in tags.split(",") if t.startswith(mine))) for _, tags in found]

    def next_count(self) -> int:
        """The number that the next cell but this look itself will have."""
        return int(self.kernel.value("len(In)"))

    def tag(self, cell_id: str, count: int) -> str:
        """The tag of one execution."""
        return f"{self.name}-cell-{cell_id}-{count}"


@pytest.fixture(scope="module")
def notebook(new_kernel: Callable[..., Kernel]) -> Iterator[Notebook]:
    """One kernel and session for all."""
    return Notebook(new_kernel("Whose.ipynb"))


def expect_own(notebook: Notebook, source: str, *, at_least: int = 1) -> None:
    """All jobs of a cell carry its tag and no other."""
    notebook.jobs()
    count = notebook.next_count()
    notebook.run(source, "mine")
    jobs = notebook.jobs()
    assert len(jobs) >= at_least
    assert set(jobs) == {notebook.tag("mine", count)}


OWN = {
    "an action": "one_job()",
    "sql": 'spark.sql("select count(*) from range(0, 100, 1, 2)").collect()',
    "toPandas": 'spark.range(0, 100, 1, 2).selectExpr("id * 2 x").toPandas()',
    "pandas on Spark": (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import pyspark.pandas as ps\n"
        "ps.range(100).groupby('id').size().head(3).to_pandas()"
    ),
    "%%time": "%%time\none_job()",
    "%time": "%time one_job()",
    "%%capture": "%%capture\none_job()",
    "a display": "from IPython.display import display\ndisplay(spark.range(4).toPandas())",
    "a broadcast join": (
        "from pyspark.sql.functions import broadcast\n"
        "spark.range(1000).join(broadcast(spark.range(10)), 'id').count()"
    ),
    "await": "import asyncio\nawait asyncio.sleep(0)\none_job()",
    "a task": (
        "import asyncio\nasync def later():\n    return one_job()\nawait asyncio.gather(later(), later())"
    ),
    "a thread": "import threading\nt = threading.Thread(target=one_job); t.start(); t.join()",
    "an executor": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as pool:\n    [f.result() for f in [pool.submit(one_job) for _ in range(3)]]"
    ),
    "to_thread": "import asyncio\nawait asyncio.to_thread(one_job)",
    "InheritableThread": (
        "from pyspark import InheritableThread\nt = InheritableThread(target=one_job); t.start(); t.join()"
    ),
    "a ThreadPool that inherits": (
        "from multiprocessing.pool import ThreadPool\n"
        "from pyspark import inheritable_thread_target\n"
        "with ThreadPool(1) as pool:\n    pool.apply(inheritable_thread_target(one_job))"
    ),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_cells_jobs_carry_its_tag(notebook: Notebook, kind: str):
    """Session, JupyterLab's id of the cell, number of the execution."""
    expect_own(notebook, OWN[kind])


def test_a_cell_run_twice_has_two_tags(notebook: Notebook):
    """The numbers of one run are not the other's."""
    notebook.jobs()
    for _ in range(2):
        notebook.run("one_job()", "same")
    first, second = notebook.jobs()
    assert first != second


def test_two_cells_that_wait_in_line_have_tags_of_their_own(notebook: Notebook):
    """Run All sends them at once."""
    notebook.jobs()
    count = notebook.next_count()
    executions = [notebook.send("one_job()", cell_id) for cell_id in ("first", "second")]
    for execution in executions:
        notebook.finish(execution)
    assert notebook.jobs() == [notebook.tag("first", count), notebook.tag("second", count + 1)]


def test_a_notebook_that_a_cell_runs_is_part_of_the_cell(notebook: Notebook, tmp_path: Path):
    """``%run`` runs its cells inside of this one; what comes after them is still this cell's."""
    path = tmp_path / "inner.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in ("one_job()", "", "one_job()")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    notebook.jobs()
    count = notebook.next_count()
    notebook.run(f"%run {path}\none_job()", "outer")
    jobs = notebook.jobs()
    assert len(jobs) == 3
    assert set(jobs) == {notebook.tag("outer", count)}


def test_threads_and_tasks_of_pools_keep_their_cell_when_the_next_one_runs(notebook: Notebook):
    """Started in one cell, at work in another."""
    notebook.jobs()
    count = notebook.next_count()
    notebook.run(
        "import threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "gate = threading.Event()\npool = ThreadPoolExecutor(1)\n"
        "def wait():\n    gate.wait(60)\n    one_job()\n"
        "thread = threading.Thread(target=wait); thread.start()\nfuture = pool.submit(wait)",
        "starts",
    )
    notebook.run("gate.set(); thread.join(); future.result()", "waits")
    notebook.run("pool.submit(one_job).result()", "submits")
    assert notebook.jobs() == [
        notebook.tag("starts", count),
        notebook.tag("starts", count),
        notebook.tag("submits", count + 2),
    ]


def test_what_cannot_be_known_has_no_tag(notebook: Notebook):
    """A ThreadPool's threads outlive the cell that made them."""
    notebook.jobs()
    notebook.run(
        "from multiprocessing.pool import ThreadPool\nwith ThreadPool(1) as plain:\n    plain.apply(one_job)"
    )
    assert notebook.jobs() == [""]


def test_tags_of_the_users_own_stay(notebook: Notebook):
    """Beside the cell's, from cell to cell, until the user takes them away."""
    notebook.jobs()
    notebook.run('sc.addJobTag("mine")\none_job()')
    notebook.run('one_job()\nsc.removeJobTag("mine")\none_job()')
    first, second, third = notebook.jobs()
    assert "mine" in first.split()
    assert "mine" in second.split()
    assert "mine" not in third.split()
    assert len({tag for tags in (first, second, third) for tag in tags.split()}) == 3


def test_a_front_end_without_ids_has_numbers(notebook: Notebook):
    """As papermill and a terminal."""
    notebook.jobs()
    count = notebook.next_count()
    notebook.kernel.run("one_job()")
    assert notebook.jobs() == [f"{notebook.name}-cell-{count}"]


def test_a_session_that_starts_in_the_middle_of_a_cell_has_the_rest_of_it(notebook: Notebook):
    """Also when the cell loads the extension; afterwards threads are Python's own again."""
    run = notebook.kernel.run
    run("%sparkk8s stop\n%unload_ext sparkk8s_nb")
    said = run("import threading; print(threading.Thread.start.__module__)").stdout
    assert said == "threading\n"
    count = notebook.next_count()
    notebook.run(
        "%load_ext sparkk8s_nb\n"
        "%sparkk8s start -n 1 --cores 2 --memory 1g\n"
        "sc.parallelize(range(4), 1).count()\n"
        "%time sc.parallelize(range(4), 1).count()",
        "middle",
    )
    notebook.name = notebook.kernel.facts().name
    notebook.since = -1
    jobs = notebook.jobs()
    assert len(jobs) == 2
    assert len(set(jobs)) == 1
    assert jobs[0] == notebook.tag("middle", count)
