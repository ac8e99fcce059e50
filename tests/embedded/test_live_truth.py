"""Streaming queries, lost events, a JVM without the listener, a subshell: what is told is true; real Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.embedded.kernels import Kernel
from tests.eventually import eventually

START = "%sparkk8s start -n 1 --cores 2 --memory 1g"

HELP = """
import sparkk8s_nb, time
def session():
    return sparkk8s_nb.current()
def rates(name):
    rows = spark.readStream.format("rate").option("rowsPerSecond", 40).load()
    return rows.writeStream.format("noop").queryName(name).trigger(processingTime="300 milliseconds").start()
def stream(name):
    one = session().streams.named(name)
    if one is None:
        return None
    return [str(one.state), one.batches, one.last_rows, one.error, one.processing]
def wait(name, done, seconds=60):
    session().streams_feed.wait_for(lambda all: all.named(name) is not None and done(all.named(name)), seconds)
    return stream(name)
def cell(number):
    found = [one for one in session().cells if one.count == number]
    return [found[0].jobs, found[0].tasks, found[0].missing] if found else None
"""

NO_LISTENER = """
import sparkk8s_nb.spark.driver as _driver
from py4j.protocol import Py4JError
def _refuse(context):
    raise Py4JError("of another Spark")
_attach, _driver.attach_listener = _driver.attach_listener, _refuse
"""


def started(kernel: Kernel, options: str = "") -> Kernel:
    """A session with what the tests ask of it."""
    kernel.run(f"{START} {options}")
    kernel.facts()
    kernel.run(HELP)
    kernel.run("sc.parallelize(range(4), 2).count()")
    return kernel


@pytest.fixture(scope="module")
def kernel(new_kernel: Callable[..., Kernel]) -> Iterator[Kernel]:
    """One kernel; each test starts the session that it needs."""
    return new_kernel("Truth.ipynb")


def restarted(kernel: Kernel, options: str = "") -> Kernel:
    """The kernel with another session."""
    kernel.run("%sparkk8s stop")
    return started(kernel, options)


def expect_stream(kernel: Kernel) -> None:
    """A query is told of while it runs and after it has ended, is no cell's, and outlives a cancel."""
    count = int(kernel.value("len(In)"))
    kernel.run("query = rates('clicks')\nwait('clicks', lambda one: one.batches >= 3)")
    state, batches, rows, error, pace = kernel.value("stream('clicks')")
    assert (state, error) == ("running", "")
    assert batches >= 3
    assert rows > 0
    assert pace > 0
    assert kernel.value(f"cell({count})") is None
    kernel.run(f"session().driver.cancel(session().cells.tags_of({count})[0])")
    kernel.run(f"wait('clicks', lambda one: one.batches >= {batches + 2})")
    assert kernel.value("query.isActive") is True
    kernel.run("query.stop()")
    assert kernel.value("wait('clicks', lambda one: not one.running)")[0] == "ended"


def expect_failed_stream(kernel: Kernel) -> None:
    """A query that failed says by what."""
    kernel.run(
        "def broken(frame, number):\n    raise ValueError('no luck')\n"
        "rows = spark.readStream.format('rate').load()\n"
        "bad = rows.writeStream.queryName('bad').foreachBatch(broken).start()\n"
        "bad.processAllAvailable()",
        fails=True,
    )
    state, _, _, error, _ = kernel.value("wait('bad', lambda one: not one.running)")
    assert state == "failed"
    assert "no luck" in error


def test_a_streaming_query_has_a_view_of_its_own_and_is_no_cells(kernel: Kernel):
    """Batches, rows and their pace; stopped, it has ended; one that failed says by what; status shows both."""
    started(kernel)
    expect_stream(kernel)
    expect_failed_stream(kernel)
    said = "\n".join(kernel.run("%sparkk8s status").displays.values())
    assert "clicks: ended" in said
    assert "bad: failed (ValueError)" in said


def test_a_cell_that_waits_for_a_streaming_query_shows_it(kernel: Kernel):
    """Its line while it waits, and what stays names the stream and no jobs."""
    kernel.run("query = rates('awaited')")
    cell = kernel.run("query.awaitTermination(6)")
    kernel.run("query.stop()")
    assert any("running" in text for text in cell.displays.values()), cell.said


def in_subshell(kernel: Kernel, source: str) -> None:
    """Run a cell on a subshell to its end."""
    client: Any = kernel.client
    client.control_channel.send(client.session.msg("create_subshell_request", {}))
    subshell = client.get_control_msg(timeout=60)["content"]["subshell_id"]
    content = {"code": source, "silent": False, "store_history": True, "stop_on_error": True}
    message = client.session.msg("execute_request", content, metadata={"cellId": "beside"})
    message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)
    while True:
        heard = client.get_iopub_msg(timeout=120)
        if heard["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            assert heard["msg_type"] != "error", heard["content"]
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                break
    client.get_shell_msg(timeout=60)


def test_a_subshells_cell_is_among_the_cells(kernel: Kernel):
    """With its own sums."""
    in_subshell(kernel, "sc.parallelize(range(4), 3).count()")
    found = "[[one.jobs, one.tasks] for one in session().cells if one.cell_id == 'beside']"
    assert eventually(lambda: kernel.value(found) == [[1, 3]], 20), kernel.value(found)


def test_what_sparks_bus_drops_is_mended_from_the_status_store(kernel: Kernel):
    """A queue of one event loses begins and ends of jobs: none runs for ever, none is missing."""
    restarted(kernel, "--conf spark.scheduler.listenerbus.eventqueue.sparkk8s.capacity=1")
    count = int(kernel.value("len(In)"))
    kernel.run("for _ in range(10): sc.parallelize(range(40), 40).count()\ntime.sleep(3)")
    assert eventually(lambda: (kernel.value(f"cell({count})") or [0])[0] == 10, 20), kernel.value(
        f"cell({count})"
    )
    _, tasks, missing = kernel.value(f"cell({count})")
    assert tasks == 400
    assert "Spark dropped" in missing
    assert kernel.value("list(session()._status.activity.running)") == []


def test_without_the_listener_the_status_store_tells(kernel: Kernel):
    """Cells have their sums and say what is missing; streams are told and spared by cancel."""
    kernel.run(NO_LISTENER)
    restarted(kernel)
    count = int(kernel.value("len(In)"))
    kernel.run(
        "sc.parallelize(range(40), 40).map(lambda n: (n % 3, n)).reduceByKey(lambda a, b: a + b).count()"
    )
    assert eventually(lambda: kernel.value(f"cell({count})") is not None, 20)
    jobs, tasks, missing = kernel.value(f"cell({count})")
    assert (jobs, tasks) == (1, 80)
    assert "Details of tasks are missing" in missing
    expect_stream(kernel)
    expect_failed_stream(kernel)
    kernel.run("_driver.attach_listener = _attach")
