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
