"""Spark's status store, read where there is no listener."""

from __future__ import annotations

from typing import Any

import pytest

from sparkk8s_nb.spark.status_store import executor_status

SUMMARY: dict[str, Any] = {
    "id": "3", "isActive": True, "totalCores": 2, "activeTasks": 1, "completedTasks": 40, "failedTasks": 2,
    "memoryUsed": 10, "maxMemory": 4096, "totalGCTime": 48, "totalDuration": 400,
}  # fmt: skip


@pytest.mark.parametrize(
    ("peaks", "memory"),
    [
        ({}, 0),
        ({"peakMemoryMetrics": None}, 0),
        (
            {"peakMemoryMetrics": {"JVMHeapMemory": 700, "JVMOffHeapMemory": 70, "OnHeapExecutionMemory": 9}},
            770,
        ),
    ],
)
def test_an_executors_memory_is_what_its_heartbeats_told(peaks: dict[str, Any], memory: int) -> None:
    """Nothing before the first; what is part of the heap does not count twice."""
    load = executor_status({**SUMMARY, **peaks}).load
    assert (load.peak_memory, load.gc_ms, load.task_ms, load.spilled) == (memory, 48, 400, 0)


@pytest.mark.parametrize(("most", "running"), [({}, 3), ({"maxTasks": 2}, 2), ({"maxTasks": 0}, 3)])
def test_an_executor_runs_no_more_tasks_than_it_can(most: dict[str, Any], running: int) -> None:
    """The store hears of a start before the end of the task whose slot it took."""
    assert executor_status({**SUMMARY, "activeTasks": 3, **most}).running == running
