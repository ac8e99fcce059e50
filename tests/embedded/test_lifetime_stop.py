"""Stopping in every way a notebook knows, and starting again in the same kernel: nothing is left, nothing leaks."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from sparkk8s_nb.embedded.lifecycle import EmbeddedCluster
from sparkk8s_nb.processes import identify, is_alive
from tests.embedded.kernels import Kernel, Remains, SessionFacts, temporary_files
from tests.eventually import eventually

pytestmark = pytest.mark.timeout(1500)

ONE = "-n 1 --cores 1 --memory 1g"
CYCLES = 10

CENSUS = """
import gc, json, os, re, sys, threading, psutil
gc.collect()
_me = psutil.Process()
print(json.dumps({
    "threads": sorted(re.sub(r"\\d+", "N", t.name) for t in threading.enumerate()),
    "children": sorted(f"{c.name()} {c.status()}" for c in _me.children(recursive=True)),
    "descriptors": sorted(os.readlink(f"/proc/self/fd/{n}").split(":")[0]
                          for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")),
    "path": list(sys.path),
    "environment": {k: v for k, v in os.environ.items()},
    "memory": _me.memory_info().rss,
}))
"""

OURS = (
    "kubernetes", "podTemplate", "ui.filters", "authenticate", "crypto", "JWSFilter", "driver.bindAddress",
    "driver.host.sparkk8s", "eventLog", "minRegisteredResourcesRatio", "maxNumFailures", "repl.class",
)  # fmt: skip


@pytest.fixture(scope="module")
def kernel(new_kernel) -> Kernel:
    """A kernel with nothing in it yet."""
    return new_kernel("work/stopped.ipynb")


@pytest.fixture
def started(kernel: Kernel) -> SessionFacts:
    """A session of one executor in the kernel."""
    return kernel.start(ONE, executors=1)


def assert_nothing_left(remains: Remains, facts: SessionFacts, kernel: Kernel) -> None:
    """At once: stop has returned."""
    assert remains.all(facts, kernel) == []
    assert remains.any_objects() == []
    assert remains.session_directories() == []
    assert kernel.value("sparkk8s_nb.current() is None")


def test_after_stop_nothing_is_left_but_the_cluster(
    kernel: Kernel, started: SessionFacts, remains: Remains, embedded_cluster: EmbeddedCluster
) -> None:
    """Processes, objects, files: gone when the cell has ended. The user's own variable stays."""
    kernel.run("%sparkk8s start " + ONE)
    assert len(remains.all(started, kernel)) > 8
    cell = kernel.run("%sparkk8s stop")
    assert cell.stdout.rstrip().endswith("Nothing left."), cell.said
    assert_nothing_left(remains, started, kernel)
    assert kernel.value("'spark' in globals() or 'sc' in globals()") is False
    assert is_alive(identify(embedded_cluster.pid))
    again = kernel.run("%sparkk8s stop", fails=True)
    assert len(again.error.splitlines()) == 2, again.said


def test_a_restart_with_wrong_options_leaves_the_session_that_runs(
    kernel: Kernel, started: SessionFacts
) -> None:
    """It goes on with its executors."""
    cell = kernel.run("%sparkk8s start --restart -n 4 --memory 900g", fails=True)
    assert "more than this machine's" in cell.error, cell.said
    assert is_alive(started.jvm)
    assert kernel.value("spark.range(10).count()") == 10


def test_what_belonged_to_a_session_says_so_in_two_lines_after_its_stop(
    kernel: Kernel, started: SessionFacts
) -> None:
    """A DataFrame in a variable outlives its session; no trace of sockets."""
    kernel.run("frame = spark.range(3)")
    kernel.run("%sparkk8s stop")
    cell = kernel.run("frame.count()", fails=True)
    assert "This belongs to a Spark session that was stopped." in cell.error, cell.said
    assert len(cell.error.strip().splitlines()) == 2, cell.said
    kernel.run("del frame")


def test_a_second_start_has_a_jvm_of_its_own_and_get_or_create_returns_its_session(
    kernel: Kernel, started: SessionFacts, remains: Remains
) -> None:
    """Each builder option that a running session cannot take is named once; spark.stop() ends all."""
    kernel.run("%sparkk8s stop")
    again = kernel.start(ONE, executors=1)
    assert again.jvm != started.jvm
    other = (
        "from pyspark.sql import SparkSession\n"
        "other = SparkSession.builder.appName('x').config('spark.executor.memory', '9g')"
        ".config('spark.sql.shuffle.partitions', '7').getOrCreate()\n"
        "print(other is spark, other.conf.get('spark.sql.shuffle.partitions'))"
    )
    first = kernel.run(other)
    assert first.stdout.split() == ["True", "7"]
    assert re.findall("keeps its own (.*?):", first.stderr) == ["spark.executor.memory"], first.stderr
    assert kernel.run(other).stderr == ""
    cell = kernel.run("spark.stop()")
    assert cell.stderr == ""
    assert_nothing_left(remains, again, kernel)
    assert kernel.run("spark.stop(); spark.sparkContext.stop()").stderr == ""


def test_after_a_stop_spark_is_as_in_a_fresh_process_and_a_local_context_is_not_ours_to_replace(
    kernel: Kernel, remains: Remains
) -> None:
    """None of our confs is inherited; only --restart replaces what somebody else made."""
    kernel.run("local = SparkSession.builder.master('local[1]').getOrCreate()")
    assert kernel.value("local.range(10).count()") == 10
    confs: dict[str, Any] = kernel.value("dict(local.sparkContext.getConf().getAll())")
    assert confs["spark.master"] == "local[1]"
    assert [key for key in confs if any(mark in key for mark in OURS)] == []
    inherited = kernel.value("local.sparkContext._jvm.System.getProperty('spark.kubernetes.namespace')")
    assert inherited is None
    refused = kernel.run(f"%sparkk8s start {ONE}", fails=True)
    assert len(refused.error.splitlines()) == 2, refused.said
    assert "--restart" in refused.error
    assert kernel.value("local.range(10).count()") == 10
    assert remains.any_objects() == []
    facts = kernel.start(f"{ONE} --restart", executors=1)
    assert kernel.value("sc.master").startswith("k8s://")
    cell = kernel.run("sc.stop()")
    assert cell.stderr == ""
    assert_nothing_left(remains, facts, kernel)


def census(kernel: Kernel) -> dict[str, Any]:
    """What the kernel's process holds."""
    found: dict[str, Any] = json.loads(kernel.run(CENSUS).stdout)
    return found


def leaked(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What the kernel holds now that it did not before, but for IPython's history, which comes and goes."""
    more = [
        f"{what}: {name}"
        for what in ("threads", "children", "descriptors", "path")
        for name in (Counter(after[what]) - Counter(before[what])).elements()
    ]
    return [name for name in more if "history.sqlite" not in name]


def test_ten_starts_and_stops_leak_nothing(kernel: Kernel, remains: Remains, record_property) -> None:
    """No thread, descriptor, child, temporary file, import path or variable; and little memory."""
    before = census(kernel)
    for _ in range(CYCLES):
        kernel.run(f"%sparkk8s start {ONE} --wait none")
        facts = kernel.facts()
        kernel.run("%sparkk8s stop")
    # py4j's own thread for each gateway looks once a second whether it is still needed.
    assert eventually(lambda: leaked(before, census(kernel)) == []), leaked(before, census(kernel))
    after = census(kernel)
    grown = (after["memory"] - before["memory"]) / 2**20
    record_property("memory grown, MiB", round(grown, 1))
    print(f"memory grown by {grown:.1f} MiB in {CYCLES} cycles")
    assert after["environment"] == before["environment"]
    assert grown < 64
    assert temporary_files(kernel) == []
    assert_nothing_left(remains, facts, kernel)
