"""What goes wrong with a driver, a start or a fleet: said in plain words, soon, and nothing is left."""

from __future__ import annotations

import os
import queue
import signal
import time
from pathlib import Path

import pytest

from tests.embedded.kernels import CELL_SECONDS, Cell, Kernel, Remains
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(900)

ONE = "-n 1 --cores 1 --memory 1g"
STUCK_STOP_SECONDS = 25.0
"""10 s for Spark, 2 s each for the thread that reads its status, the JVM's TERM and the pods; and some air."""


@pytest.fixture(scope="module")
def kernel(new_kernel) -> Kernel:
    """A kernel with nothing in it yet."""
    return new_kernel("work/troubled.ipynb")


def failed(kernel: Kernel, remains: Remains, command: str) -> Cell:
    """A start that fails, after which nothing is left; the same kernel may go on."""
    cell = kernel.run(command, fails=True)
    assert "Traceback" not in cell.error, cell.said
    assert "Py4J" not in cell.error, cell.said
    assert remains.any_objects() == []
    assert remains.session_directories() == []
    assert list(kernel.temporary.glob("spark*")) == []
    assert kernel.value("[c.name() for c in __import__('psutil').Process().children(recursive=True)]") == []
    return cell


def test_a_jvm_that_does_not_answer_is_ended_by_stop(kernel: Kernel, remains: Remains) -> None:
    """Stopped by a signal or thrashing: neither the cell nor a thread waits for it for ever."""
    facts = kernel.start(ONE, executors=1)
    os.kill(facts.jvm.pid, signal.SIGSTOP)
    begun = time.monotonic()
    cell = kernel.run("%sparkk8s stop", timeout=120)
    assert time.monotonic() - begun < STUCK_STOP_SECONDS
    assert cell.stdout.startswith("Stopped, but "), cell.said
    assert "its JVM was ended" in cell.stdout
    assert cell.stderr == ""
    assert remains.all(facts, kernel) == []


def test_a_jvm_that_was_killed_is_said_in_one_sentence_and_the_next_start_works(
    kernel: Kernel, remains: Remains
) -> None:
    """A cell that needs Spark gets two lines, not a trace of sockets."""
    first = kernel.start(ONE, executors=1)
    os.kill(first.jvm.pid, signal.SIGKILL)
    failing = kernel.run("spark.range(10).count()", fails=True)
    assert len(failing.error.splitlines()) == 2, failing.said
    assert "The driver JVM is gone" in failing.error
    kernel.wait_state("failed", 30)
    cell = kernel.run("%sparkk8s")
    assert "The driver JVM is gone" in cell.said
    assert cell.stderr == ""
    second = kernel.start(ONE, executors=1)
    assert second.name != first.name
    assert remains.processes(first) + remains.objects(first.name) == []
    assert not first.root.exists()
    os.kill(second.jvm.pid, signal.SIGKILL)
    stop = kernel.run("%sparkk8s stop")
    assert stop.stdout.rstrip().endswith("Nothing left."), stop.said
    assert stop.stderr == ""
    assert remains.all(second, kernel) == []


def has_done(kernel: Kernel, message: str, cell: Cell) -> bool:
    """Take what the kernel says within a moment; whether it has done that request."""
    try:
        found = kernel.client.get_iopub_msg(timeout=0.1)
    except queue.Empty:
        return False
    if found["parent_header"].get("msg_id") != message:
        return False
    cell.take(found)
    return found["msg_type"] == "status" and found["content"]["execution_state"] == "idle"


def test_executors_that_crash_at_once_end_the_start_after_a_few(kernel: Kernel, remains: Remains) -> None:
    """Spark itself would make pods for ever; the start ends with the reason and the log's last lines."""
    seen: set[str] = set()
    wanted = 2
    crash = "--conf spark.executor.extraJavaOptions=-javaagent:/no/such/agent.jar"
    message = kernel.client.execute(f"%sparkk8s start -n {wanted} --cores 1 --memory 1g {crash}")
    cell = Cell(crash)
    deadline = time.monotonic() + CELL_SECONDS
    while not has_done(kernel, message, cell) and time.monotonic() < deadline:
        seen |= {pod["metadata"]["name"] for pod in remains.cluster.list("Pod")}
    assert "No executor came" in cell.error, cell.said
    assert "/no/such/agent.jar" in cell.error, "the log's last lines are missing\n" + cell.said
    assert len(seen) <= 2 * wanted + 3, sorted(seen)
    assert remains.any_objects() == []
    assert remains.session_directories() == []


def test_a_quota_that_is_too_small_is_quoted_before_spark_asks(kernel: Kernel, remains: Remains) -> None:
    """The API server looks at one pod in a dry run; its words are the error."""
    cluster = remains.cluster
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team"},
        "spec": {"hard": {"limits.memory": "512Mi"}},
    }
    cluster.create(quota)
    try:
        cell = failed(kernel, remains, f"%sparkk8s start {ONE}")
    finally:
        cluster.delete("ResourceQuota", "team")
    assert "exceeded quota: team" in cell.error, cell.said
    assert "The cluster would refuse the executors" in cell.error


def test_a_start_that_finds_no_node_ends_with_the_schedulers_words(
    kernel: Kernel, remains: Remains, tmp_path: Path
) -> None:
    """At the timeout everything is unwound."""
    template = tmp_path / "nowhere.yaml"
    template.write_text("kind: Pod\nspec:\n  nodeSelector:\n    disk: diamond\n")
    cell = failed(kernel, remains, f"%sparkk8s start {ONE} --pod-template {template} --timeout 8")
    assert "No executor came within 8 s" in cell.error, cell.said
    assert "selector" in cell.error or "affinity" in cell.error, cell.said


def test_after_all_of_that_a_start_works(kernel: Kernel, remains: Remains) -> None:
    """Nothing that failed has left the kernel in a state of its own."""
    facts = kernel.start(ONE, executors=1)
    kernel.run("%sparkk8s stop")
    assert eventually(lambda: not remains.all(facts, kernel)), remains.all(facts, kernel)
